import type { FramePool } from '../base/index.ts';
import type { ReceiveEngine, TransmitEngine } from '../dma/index.ts';
import type { Component, Probe, Scheduler } from '../kernel/index.ts';
import type { BarTarget, PcieFunction, Requester } from '../pcie/index.ts';
import type { RegisterFile } from '../registers/index.ts';
import type { ClassPath } from './class-path.ts';
import type { NicDrops } from './drops.ts';
import type { CardInterrupts } from './interrupts.ts';

/** The data path of such a card. */
export interface ExtensiblePlane {
  readonly frames: FramePool;
  readonly transmit: TransmitEngine;
  readonly receive: ReceiveEngine;
  readonly drops: NicDrops;
  readonly classPath: ClassPath | null;
  /** Looks at each frame from the wire first; see `DataPlane`. */
  wireCheck: ((slot: number) => number) | null;
  /** Queues that each pool has now. */
  readonly queuesPerPool: number;
}

/** What an extension sees of the card that it is made for. */
export interface ExtensibleCard {
  readonly name: string;
  readonly profile: { readonly pools: number; readonly queuesPerPool: number };
  readonly pf: PcieFunction;
  readonly requester: Requester;
  readonly interrupts: CardInterrupts;
  /** The PF's registers as the card itself has them. */
  readonly registers: BarTarget & {
    readonly file: RegisterFile;
    /** Vector that IVAR gives to a queue, or -1; an extension may know more of them. */
    vectorOf: (queue: number, transmit: boolean) => number;
  };
  readonly probe: Probe;
  readonly data: ExtensiblePlane;
  /** Gives each pool so many queues from now on. */
  divideQueues(queuesPerPool: number): void;
  /** Components that count and are reset with the card's: an extension adds its own. */
  readonly extensions: Component[];
}

/**
 * Adds to a card what not every machine needs: registers in front of those that the card has itself, whose targets
 * it takes the place of in the BARs. Called once the card is whole; the profile of a card names one.
 */
export type ExtendCard = (card: ExtensibleCard, scheduler: Scheduler) => void;
