// The state as it stands, put together from the connection, the server's notices and its progress.
import {
  isIndexing,
  isTrouble,
  type Notice,
  type ServerStatus,
  type State,
  stateDuring,
  stateOf,
  type Step,
  troubleOf,
} from "./status.js";

/** What is answered sooner is not worth a flicker. */
const SHOWN_AFTER_MS = 400;

export class StateTracker {
  private current: State = { kind: "starting" };
  private readonly rounds = new Set<string | number>();
  private readonly listeners: (() => void)[] = [];
  /** What to show once no round runs. */
  private resting: State = { kind: "starting" };

  private waiting = 0;

  get state(): State {
    return this.waiting > 0 && this.current.kind === "ready" ? { kind: "waiting" } : this.current;
  }

  /** The tokens of the rounds under way. */
  get indexing(): readonly (string | number)[] {
    return [...this.rounds];
  }

  /** Show that an answer is waited for, if it takes a while. */
  async wait<T>(answer: PromiseLike<T>): Promise<T> {
    let shown = false;
    const timer = setTimeout(() => {
      shown = true;
      this.waiting += 1;
      this.tell();
    }, SHOWN_AFTER_MS);
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
      if (shown) {
        this.waiting -= 1;
        this.tell();
      }
    }
  }

  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** The connection's own state. */
  set(state: State): void {
    if (state.kind === "starting" || state.kind === "installing" || state.kind === "stopped") {
      // A server that is gone ends no progress.
      this.rounds.clear();
    }
    this.resting = state;
    this.show(state);
  }

  /** Take the server's answer about itself. */
  fromStatus(status: ServerStatus): void {
    this.resting = stateOf(status);
    if (this.rounds.size === 0) {
      this.show(this.resting);
    }
  }

  /** Take a notice; true when the server should be asked for the whole of it. */
  fromNotice({ state, message }: Notice): boolean {
    if (isTrouble(state)) {
      this.resting = troubleOf({ state, message });
      this.show(this.resting);
    } else if (state === "indexing" && this.current.kind !== "indexing") {
      this.show({ kind: "indexing", percent: undefined, phase: "" });
    }
    return state === "ready";
  }

  /** Take a step of progress; false when it is none of the indexing. */
  fromProgress(token: string | number, step: Step): boolean {
    if (step.kind === "begin" && isIndexing(step.title)) {
      this.rounds.add(token);
    }
    if (!this.rounds.has(token)) {
      return false;
    }
    const during = stateDuring(step);
    if (during !== undefined) {
      this.show(this.merged(during));
      return true;
    }
    this.rounds.delete(token);
    if (this.rounds.size === 0) {
      this.show(this.resting);
    }
    return true;
  }

  private show(state: State): void {
    this.current = state;
    this.tell();
  }

  private tell(): void {
    for (const listener of this.listeners) {
      listener();
    }
  }

  /** A report without a percentage keeps the last one. */
  private merged(during: State): State {
    if (during.kind === "indexing" && during.percent === undefined && this.current.kind === "indexing") {
      return { ...during, percent: this.current.percent };
    }
    return during;
  }
}
