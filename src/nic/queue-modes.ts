/** How MRQC.MRQE divides the receive queues (82599 data sheet 7.1.2.1, 8.2.3.7.12). */
export interface ReceiveMode {
  /** Whether pools have queues; else all are one set. */
  readonly hasPools: boolean;
  /** Queues of each pool; without pools those of a class. */
  readonly queues: number;
  /** Traffic classes, 1 for none. */
  readonly classes: number;
  /** Bits of an RSS index that can count. */
  readonly rssBits: number;
}

const mode = (hasPools: boolean, queues: number, classes: number, rssBits: number): ReceiveMode => ({
  hasPools,
  queues,
  classes,
  rssBits,
});

/** Modes by MRQE; what is reserved is as without RSS. */
export const RECEIVE_MODES: readonly ReceiveMode[] = [
  mode(false, 128, 1, 0),
  mode(false, 128, 1, 4),
  mode(false, 16, 8, 0),
  mode(false, 32, 4, 0),
  mode(false, 16, 8, 4),
  mode(false, 32, 4, 4),
  mode(false, 128, 1, 0),
  mode(false, 128, 1, 0),
  mode(true, 2, 1, 0),
  mode(true, 2, 1, 0),
  mode(true, 4, 1, 2),
  mode(true, 2, 1, 1),
  mode(true, 8, 8, 0),
  mode(true, 4, 4, 0),
  mode(true, 2, 1, 0),
  mode(true, 2, 1, 0),
];

/** MTQC: VT_Ena, and NUM_TC_OR_Q with pools: 64, 32 and 16. */
const MTQC_VT_ENA = 1 << 1;
const MTQC_NUM_SHIFT = 2;
/** By NUM_TC_OR_Q of MTQC, and by VT_Mode of GCR_EXT. */
const QUEUES_BY_MTQC: readonly number[] = [2, 2, 4, 8];
const QUEUES_BY_VT_MODE: readonly number[] = [0, 8, 4, 2];

/**
 * Queues of each pool: software says it three times (82599 data sheet 4.6.10.1), and VT_Mode, by which the VFs find their
 * queues, counts most; then MTQC, then MRQC. Without any of them there are two.
 */
export function queuesOfPools(vtMode: number, mtqc: number, mrqc: number): number {
  const byVtMode = QUEUES_BY_VT_MODE[vtMode & 3];
  if (byVtMode > 0) return byVtMode;
  if ((mtqc & MTQC_VT_ENA) !== 0) return QUEUES_BY_MTQC[(mtqc >> MTQC_NUM_SHIFT) & 3];
  const { hasPools, queues } = RECEIVE_MODES[mrqc & 0xf];
  return hasPools ? queues : 2;
}
