import type { NicDropReason } from '../../nic/index.ts';
import type { DropReason } from '../../nicswitch/index.ts';

/** What a step of a frame's life is. */
export type LifeStepKind =
  /** From the ring of its sender. */
  | 'doorbell'
  | 'descriptorFetch'
  | 'descriptorCompletion'
  | 'payloadRead'
  | 'payloadCompletion'
  | 'transmitStatus'
  /** From the wire. */
  | 'wireReceived'
  /** Of a DMA request, at the root complex. */
  | 'translation'
  /** Of a request that the root port has not done. */
  | 'refused'
  /** Of a train that was hit by a bit error, or came behind such a one: it is sent again. */
  | 'discarded'
  /** In the card. */
  | 'switchIn'
  | 'senderChecks'
  | 'switchOut'
  | 'dropped'
  | 'copied'
  /** To a receiver. */
  | 'receiveDescriptor'
  | 'payloadWrite'
  | 'writeBack'
  | 'interrupt'
  | 'bufferReturned'
  | 'lost'
  | 'wireSent'
  | 'wireArrived';

/** What carries bytes of a step. */
export type LifeLink = 'pcie.upstream' | 'pcie.downstream' | 'wire.out' | 'wire.in';

/** What cycles are counted of: the card's core clock, symbols of the PCI Express link, byte times of the wire. */
export type LifeClock = 'core' | 'symbol' | 'byte';

/** A register, or a setting of the host, that had a part in what became of the frame. */
export interface Decider {
  /** Name and element: `PFVML2FLT[1]`; of what an 82599 has no register for, the key of the scenario. */
  readonly register: string;
  /** What it held, unsigned; null for a setting that is no register. */
  readonly value: number | null;
  /** Section of the data sheet that defines it, or null. */
  readonly section: string | null;
  /** What it said of this frame. */
  readonly why: string;
}

/** One step. Times are in ps from power-on. */
export interface LifeStep {
  readonly kind: LifeStepKind;
  readonly timePs: number;
  /** When it has ended, on a link with its last symbol; null for an instant. */
  readonly endPs: number | null;
  /** When what a link carries is at its other end; null where nothing is carried. */
  readonly arrivesPs: number | null;
  /** Part of the machine, under the name that its counters have. */
  readonly unit: string;
  /** Which clock the cycle is of, and the cycle in which the step begins; null where nothing is clocked. */
  readonly clock: LifeClock | null;
  readonly cycle: number | null;
  /** Null where nothing moves over a link. */
  readonly link: LifeLink | null;
  /** Bytes on that link, headers and framing included. */
  readonly linkBytes: number;
  /** TLPs on that link. */
  readonly tlps: number;
  /** In words. */
  readonly what: string;
  readonly decidedBy: readonly Decider[];
  /** Which of {@link FrameLife.branches} it belongs to; null for what all have in common. */
  readonly branch: number | null;
}

/** One receiver of a frame. */
export interface LifeBranch {
  /** Port of the switch, and its name in reports. */
  readonly port: number;
  readonly name: string;
  /**
   * `received`: the receiver's software has given the buffer back; `written`: it is in the receiver's memory; `sent`: its last bit
   * has left; `dropped`, and counted so; `lost`: the card has done its part, and the frame never gets to the software; `underWay`:
   * the log ends before.
   */
  readonly outcome: 'received' | 'written' | 'sent' | 'dropped' | 'lost' | 'underWay';
  /** Why it was dropped, or null. */
  readonly reason: DropReason | NicDropReason | null;
  /**
   * What one that is `lost` was lost to; only there: `linkDown`; `refused`: a write of it, by the IOMMU or because nothing is behind its address, so
   * that the buffer or the descriptor is as it was before; `ringStopped`: before its descriptor was written back.
   */
  readonly lost?: 'linkDown' | 'refused' | 'ringStopped';
}

/** A frame from its sender to all of its receivers. */
export interface FrameLife {
  /** Which FRAME_IN record of the log it is, counted from 1. */
  readonly number: number;
  /** Slot of the card's frame store. */
  readonly slot: number;
  /** Bytes in memory as it came in, without frame check sequence. */
  readonly bytes: number;
  /** Where it came in. */
  readonly port: number;
  readonly from: string;
  /** Addresses, and the VLAN of the tag with which it came in; null where the log does not have them. */
  readonly destination: string | null;
  readonly source: string | null;
  readonly vlan: number | null;
  readonly branches: readonly LifeBranch[];
  /** Why the switch gave it to nobody, or null. */
  readonly dropped: DropReason | NicDropReason | null;
  /** Whether the log began when the machine did: only then is it known what registers held. */
  readonly registersKnown: boolean;
  /** In order of time. */
  readonly steps: readonly LifeStep[];
}
