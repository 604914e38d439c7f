/**
 * Sleeping until another thread has done something.
 *
 * Who sleeps first says so, then looks once more, then sleeps on a count of events; who has done something
 * looks whether somebody sleeps, and counts before it wakes. Atomics are in one order for all threads: either
 * the sleeper sees what was done, or the other one sees that it sleeps. Nobody pays for waking who is awake.
 */

/** Wakes whoever sleeps on `event`. */
export function wake(control: Int32Array, event: number): void {
  Atomics.add(control, event, 1);
  Atomics.notify(control, event);
}

/**
 * Sleeps on `event` until it is woken, for `timeoutMs` at most, unless `ready` says that there is no need.
 * While it sleeps, `waits` is `what`. Returns what `ready` says then.
 *
 * @throws TypeError in the main thread of a page, which may not sleep.
 */
export function sleep(
  control: Int32Array,
  waits: number,
  event: number,
  what: number,
  timeoutMs: number,
  ready: () => boolean,
): boolean {
  const seen = Atomics.load(control, event);
  Atomics.store(control, waits, what);
  if (!ready()) Atomics.wait(control, event, seen, timeoutMs);
  Atomics.store(control, waits, 0);
  return ready();
}
