import { Chunk, SparseMemory } from '../../base/sparse-memory.ts';
import { DescriptorRings } from '../../dma/index.ts';
import { TransmitTurns } from '../../dma/transmit-turns.ts';
import { Wait } from '../../host/write-watch.ts';
import { CacheEntry, CacheSet, NOTHING as NO_ENTRY } from '../../iommu/associative-cache.ts';
import { DelayLine } from '../../kernel/delay-line.ts';
import { EgressGroup, EgressQueue } from '../../kernel/egress-nodes.ts';
import { GateHeap } from '../../kernel/gate-heap.ts';
import { Histogram, Probe, Scheduler } from '../../kernel/index.ts';
import { WaitingEvent } from '../../kernel/waiting-event.ts';
import { RoundEntry, WeightedRound } from '../../kernel/weighted-round.ts';
import { CountingProbe } from '../../nic/index.ts';
import { CreditGate } from '../../pcie/credits.ts';
import { Endpoint, RootPort } from '../../pcie/index.ts';
import { FaultRecord } from '../faults/fault-record.ts';
import { Arrivals } from '../flow-arrivals.ts';
import { MeasuredSpan } from '../measured-span.ts';
import { Simulation } from '../simulation.ts';
import type { MadeLater, StateRules, StateTable } from './state-rules.ts';

const ROUND: StateRules = { links: ['before', 'after'] };

/** Where the fields of a class are not all its own state. */
const RULES: readonly (readonly [unknown, StateRules])[] = [
  [Simulation, { apart: ['steps', 'captures'] }],
  [Probe, { apart: ['sink'] }],
  [CountingProbe, { apart: ['sink'] }],
  // Its depth is that of who calls it.
  [Scheduler, { links: ['first'], apart: ['watcher', 'depth', 'limit', 'single'] }],
  [DelayLine, { links: ['next'] }],
  // What was seen for a record is of use there alone.
  [CreditGate, { apart: ['seenHeaders', 'seenData'] }],
  [GateHeap, { links: ['gates'] }],
  [RoundEntry, ROUND],
  [EgressQueue, ROUND],
  [EgressGroup, ROUND],
  [Endpoint, { links: ['hitFunction'], apart: ['watcher'] }],
  [DescriptorRings, { apart: ['watcher'] }],
  [RootPort, { links: ['translator'] }],
  // Views of bytes that are kept so as not to be made again.
  [SparseMemory, { apart: ['source', 'sources'] }],
  [Chunk, { apart: ['slices'] }],
];

/** What a machine has more of the longer it runs. */
const MADE_LATER: Readonly<Record<string, MadeLater>> = {
  Arrivals: { type: Arrivals, make: () => new Arrivals(new Float64Array(0)) },
  CacheEntry: { type: CacheEntry, make: () => new CacheEntry() },
  CacheSet: { type: CacheSet, make: () => new CacheSet(0) },
  Chunk: { type: Chunk, make: () => new Chunk() },
  EgressGroup: { type: EgressGroup, make: () => new EgressGroup({} as never, {} as never) },
  FaultRecord: { type: FaultRecord, make: () => new FaultRecord('flr', 0, null) },
  Histogram: { type: Histogram, make: () => new Histogram() },
  MeasuredSpan: { type: MeasuredSpan, make: () => new MeasuredSpan(0, {} as never) },
  RoundEntry: { type: RoundEntry, make: () => new RoundEntry() },
  TransmitTurns: { type: TransmitTurns, make: () => new TransmitTurns([]) },
  Wait: { type: Wait, make: () => new Wait() },
  WaitingEvent: { type: WaitingEvent, make: () => new WaitingEvent() },
  WeightedRound: { type: WeightedRound, make: () => new WeightedRound() },
};

/** How the state of a simulation is found. */
export const STATE_TABLE: StateTable = { rules: new Map(RULES), madeLater: MADE_LATER, shared: { NO_ENTRY } };
