import { RoundEntry, type Scheduler, Timer, WeightedRound } from '../kernel/index.ts';

/**
 * Who goes next where frames of several ports wait for the switch's pipeline: whoever came first; a frame of
 * each port in turn, the wire being one of them; wire and host by weight, the host's ports in turn; or the wire
 * first, the host's ports in turn.
 */
export type SwitchArbitration = (typeof SWITCH_ARBITRATIONS)[number];

/** Every {@link SwitchArbitration}. */
export const SWITCH_ARBITRATIONS = Object.freeze([
  'arrival',
  'round-robin',
  'weighted',
  'wire-first',
] as const);

/** Parts of the pipeline's time that wire and host have while both want more than theirs. */
export interface SwitchWeights {
  readonly wire: number;
  readonly host: number;
}

/** How a {@link PipelineArbiter} is made. */
export interface PipelineArbiterOptions {
  readonly rule: Exclude<SwitchArbitration, 'arrival'>;
  /** Only for `weighted`; as much for one as for the other by default. */
  readonly weights?: SwitchWeights;
  /** Ports; one of them, `wire`, is the physical one. */
  readonly ports: number;
  readonly wire: number;
  /** Slots that frames can lie in. */
  readonly slots: number;
  /** Longest time for which a frame occupies the pipeline, in ps. */
  readonly longestPs: number;
}

/** The pipeline as its arbiter sees it. */
export interface ArbitratedPipeline {
  /** Time for which the frame in a slot occupies the entrance of the pipeline, in ps. */
  occupancyPs(slot: number): number;
  /** The frame enters the pipeline now. */
  enter(slot: number, port: number): void;
}

/** Marks the end of a list of slots. */
const NONE = -1;

/** A port: what waits, in order of arrival, and its turn. */
class ArbitratedPort extends RoundEntry {
  readonly port: number;
  first = NONE;
  last = NONE;
  waiting = 0;

  constructor(port: number) {
    super();
    this.port = port;
  }
}

/**
 * The entrance of the switch's pipeline with a queue for each port. It is never idle while a frame waits, and
 * the frames of a port enter in the order in which they came. By weight the pipeline's time is shared, not the
 * number of frames: where a short frame takes less of it, more of those enter.
 *
 * @example
 * const arbiter = new PipelineArbiter('nic.arbiter', scheduler, pipeline, {
 *   rule: 'weighted', weights: { wire: 3, host: 1 }, ports: 65, wire: 64, slots: 4096, longestPs: 60_000,
 * });
 * arbiter.push(slot, 64); // calls pipeline.enter(slot, 64), now or when it is the wire's turn
 */
export class PipelineArbiter {
  private readonly pipeline: ArbitratedPipeline;
  private readonly rule: PipelineArbiterOptions['rule'];
  private readonly ports: readonly ArbitratedPort[];
  private readonly wire: ArbitratedPort;
  /** The slot behind each in the queue of its port. */
  private readonly next: Int32Array;
  /** Ports in turn: those of the host, with `round-robin` all. */
  private readonly turns = new WeightedRound();
  /** Wire and host by weight. */
  private readonly sides = new WeightedRound();
  private readonly wireSide = new RoundEntry();
  private readonly hostSide = new RoundEntry();
  private readonly free: Timer;

  /** @throws RangeError if a weight is no positive number. */
  constructor(
    name: string,
    scheduler: Scheduler,
    pipeline: ArbitratedPipeline,
    options: PipelineArbiterOptions,
  ) {
    const { rule, ports, wire, slots, longestPs, weights = { wire: 1, host: 1 } } = options;
    for (const side of ['wire', 'host'] as const) {
      if (weights[side] > 0 && Number.isFinite(weights[side])) continue;
      throw new RangeError(`weights.${side} must be above 0, got ${weights[side]}`);
    }
    this.pipeline = pipeline;
    this.rule = rule;
    this.ports = Array.from({ length: ports }, (_, port) => new ArbitratedPort(port));
    this.wire = this.ports[wire];
    this.next = new Int32Array(slots).fill(NONE);
    // No frame takes more than the smaller of the two gets in a round.
    const unit = longestPs / Math.min(weights.wire, weights.host);
    this.sides.weighted = true;
    this.sides.setQuantum(this.wireSide, weights.wire * unit);
    this.sides.setQuantum(this.hostSide, weights.host * unit);
    this.free = new Timer(scheduler, name, () => this.enterNext());
  }

  /** Frames of a port that wait. */
  waiting(port: number): number {
    return this.ports[port].waiting;
  }

  /** Whether so many frames from the wire wait that no more can: half of all slots are for the others. */
  get wireIsFull(): boolean {
    return 2 * this.wire.waiting >= this.next.length;
  }

  /** A frame of a port wants to enter; it does so at once if the pipeline is free. */
  push(slot: number, port: number): void {
    const from = this.ports[port];
    this.next[slot] = NONE;
    if (from.first === NONE) from.first = slot;
    else this.next[from.last] = slot;
    from.last = slot;
    if (++from.waiting === 1) this.takeTurns(from);
    if (!this.free.pending) this.enterNext();
  }

  /** The port has something to send, which it had not. */
  private takeTurns(port: ArbitratedPort): void {
    const { rule, turns, sides, wire, wireSide, hostSide } = this;
    if (port !== wire || rule === 'round-robin') turns.enter(port);
    if (rule !== 'weighted') return;
    const side = port === wire ? wireSide : hostSide;
    if (!side.inRound) sides.enter(side);
  }

  private chosen(): ArbitratedPort | null {
    const { rule, turns, sides, wire } = this;
    if (rule === 'wire-first' && wire.waiting > 0) return wire;
    if (rule === 'weighted' && !sides.empty && sides.first() === this.wireSide) return wire;
    return turns.empty ? null : (turns.first() as ArbitratedPort);
  }

  private enterNext(): void {
    const port = this.chosen();
    if (port === null) return;
    const slot = port.first;
    port.first = this.next[slot];
    port.waiting--;
    const occupied = this.pipeline.occupancyPs(slot);
    this.account(port, occupied);
    // Before the frame enters, which may bring the next.
    this.free.schedule(occupied);
    this.pipeline.enter(slot, port.port);
  }

  /** A frame of the port has had its turn. */
  private account(port: ArbitratedPort, occupied: number): void {
    const { rule, turns, sides, wire } = this;
    if (port.inRound) {
      if (port.waiting === 0) turns.leave(port);
      turns.charge(port, 0);
    }
    if (rule !== 'weighted') return;
    const side = port === wire ? this.wireSide : this.hostSide;
    const isDone = port === wire ? wire.waiting === 0 : turns.empty;
    if (isDone) sides.leave(side);
    sides.charge(side, occupied);
  }
}
