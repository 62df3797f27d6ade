// Elements from their parts, and what is drawn again put over what stands there.

/** Make an element; what it holds is set as text, never read as HTML. */
export function element(
  tag: string,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly (Node | string)[]
): HTMLElement {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

export function byId<T extends HTMLElement>(id: string, type: abstract new (...args: never[]) => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) {
    throw new Error(`The page has no ${id}.`);
  }
  return found;
}

/**
 * Make an element's children those that are wanted. Whatever is as it was keeps its node, so that focus, selection and
 * scrolling stay while an answer grows; what is open stays open.
 */
export function patch(old: Element, wanted: readonly Node[]): void {
  wanted.forEach((node, index) => {
    const there = old.childNodes[index];
    if (there === undefined) {
      old.append(node);
    } else if (there instanceof Element && node instanceof Element && there.tagName === node.tagName) {
      become(there, node);
    } else if (!there.isEqualNode(node)) {
      there.replaceWith(node);
    }
  });
  while (old.childNodes.length > wanted.length) {
    old.lastChild?.remove();
  }
}

function become(old: Element, wanted: Element): void {
  for (const name of old.getAttributeNames()) {
    if (name !== "open" && !wanted.hasAttribute(name)) {
      old.removeAttribute(name);
    }
  }
  for (const { name, value } of wanted.attributes) {
    if (old.getAttribute(name) !== value) {
      old.setAttribute(name, value);
    }
  }
  patch(old, [...wanted.childNodes]);
}
