import { Gate } from './gate-heap.ts';
import { RoundEntry, WeightedRound } from './weighted-round.ts';

/** What a gate belongs to. */
export const QUEUE_GATE = 0;
export const VPORT_GATE = 1;
const CLASS_GATE = 2;
/** Bytes. */
const SHORTEST_FRAME = 64;

/** The rate limit of a queue, a VPort or a class. */
export class EgressGate extends Gate {
  readonly kind: number;
  readonly index: number;

  constructor(kind: number, index: number) {
    super();
    this.kind = kind;
    this.index = index;
  }
}

/** A queue: in the round of its group while it has frames and its gate is open. */
export class EgressQueue extends RoundEntry {
  readonly gate: EgressGate;
  group: EgressGroup;
  backlogged = false;

  constructor(index: number, group: EgressGroup) {
    super();
    this.gate = new EgressGate(QUEUE_GATE, index);
    this.group = group;
  }
}

/** The queues of one VPort in one class: in the round of the class while one of them can go, and the VPort may. */
export class EgressGroup extends RoundEntry {
  readonly trafficClass: EgressClass;
  readonly vport: EgressVPort;
  readonly queues = new WeightedRound();

  constructor(trafficClass: EgressClass, vport: EgressVPort) {
    super();
    this.trafficClass = trafficClass;
    this.vport = vport;
  }
}

/** A VPort, over all classes. */
export class EgressVPort {
  readonly gate: EgressGate;
  readonly groups: EgressGroup[] = [];
  /** Groups that have a queue which can go. */
  waiting = 0;

  constructor(index: number) {
    this.gate = new EgressGate(VPORT_GATE, index);
  }
}

/** A traffic class. */
export class EgressClass {
  readonly gate: EgressGate;
  readonly bit: number;
  readonly groups = new WeightedRound(SHORTEST_FRAME);
  /** Bytes that it gets at each refill, that it has, and that it can have. */
  quantum = 0;
  credit = 0;
  maxCredit = 0;

  constructor(index: number) {
    this.gate = new EgressGate(CLASS_GATE, index);
    this.bit = 1 << index;
  }
}
