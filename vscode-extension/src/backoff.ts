// How long to wait before a server that crashed is started again.

/** The waits, in milliseconds: one after the other while it goes on crashing. */
export const WAITS_MS: readonly number[] = [500, 1_000, 2_000, 4_000];
/** A crash is forgotten after so long. */
const WINDOW_MS = 180_000;

/** Counts crashes, and lets go of those of long ago. */
export class Crashes {
  private times: number[] = [];

  /** Take one, at a time in milliseconds; the wait before the next start, or undefined when it is to be left stopped. */
  waitAfter(at: number): number | undefined {
    this.times = [...this.times.filter((time) => at - time < WINDOW_MS), at];
    return WAITS_MS[this.times.length - 1];
  }

  /** The user asks for a new beginning. */
  forget(): void {
    this.times = [];
  }
}
