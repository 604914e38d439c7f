/** What `sriovsim run` sets for V8, and every process of the benchmarks is started with; see the README. */
export const INLINING_FLAGS: readonly string[] = [
  '--max-inlined-bytecode-size-cumulative=4500',
  '--min-inlining-frequency=0.05',
  '--max-inlined-bytecode-size-small=40',
];
