import fc from 'fast-check';
import { FlowClass, TlpKind } from '../../../src/pcie/tlp.ts';
import type { LinkRig } from './link-rig.ts';

const { MEMORY_READ, MEMORY_WRITE, COMPLETION_DATA } = TlpKind;
const CLASSES = Object.values(FlowClass);

/** One TLP or train of a load, and the time before it. */
interface LoadStep {
  readonly gap: number;
  readonly up: boolean;
  readonly kind: TlpKind;
  readonly bytes: number;
}

/** Trains of all kinds in both directions, close together and with pauses in which SKIPs are due. */
export const loadProgram: fc.Arbitrary<LoadStep[]> = fc.array(
  fc.record({
    gap: fc.oneof(fc.integer({ min: 0, max: 2000 }), fc.integer({ min: 0, max: 3_000_000 })),
    up: fc.boolean(),
    kind: fc.constantFrom<TlpKind>(MEMORY_WRITE, MEMORY_READ, COMPLETION_DATA),
    bytes: fc.integer({ min: 1, max: 4096 }),
  }),
  { minLength: 1, maxLength: 80 },
);

/** So few that a load waits for them. */
export const TINY_CREDITS = {
  postedHeaders: 20,
  postedData: 300,
  nonPostedHeaders: 20,
  nonPostedData: 20,
  completionHeaders: 0,
  completionData: 0,
};

/** Sends a load through a link until nothing is left to do; looks at the counters between its steps if `watches`. */
export function runLoad(rig: LinkRig, program: readonly LoadStep[], watches: boolean): LinkRig {
  for (const { gap, up, kind, bytes } of program) {
    rig.scheduler.runUntil(rig.scheduler.now + gap);
    if (watches) rig.link.counters();
    const direction = up ? rig.link.upstream : rig.link.downstream;
    const count = kind === MEMORY_READ ? Math.ceil(bytes / 512) : Math.ceil(bytes / 256);
    if (CLASSES.every((flowClass) => direction.room(flowClass) > 0)) rig.send(direction, kind, bytes, count);
  }
  rig.scheduler.runUntilIdle();
  return rig;
}
