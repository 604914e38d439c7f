import type { DmaPort } from '../dma/index.ts';
import type { Probe, Scheduler } from '../kernel/index.ts';
import type { LocalMatch, UntaggedCheck, VPortLimits } from '../nicswitch/index.ts';
import type { FunctionProfile, LinkOptions, MakeReadiness } from '../pcie/index.ts';
import type { RegisterTable } from '../registers/index.ts';
import type { ExtendCard } from './card-extension.ts';
import type { Switching } from './cut-through.ts';
import type { EcnProfile } from './ecn-marker.ts';
import type { InterruptsClass } from './interrupts.ts';
import type { SwitchArbitration, SwitchWeights } from './pipeline-arbiter.ts';

/** How classes share the receive packet buffer. */
export interface SharedBufferProfile {
  /** Bytes of each class that nobody else can take. */
  readonly reservedBytes: number;
  /** Most of the rest that a class may take, as a multiple of what of it is free (dynamic threshold). */
  readonly alpha: number;
  /** Bytes for what arrives of a class after its sender has been told to stop. */
  readonly headroomBytes: number;
}

/** A card as frozen data; times carry their source and grade where the profile is written. */
export interface NicProfile {
  readonly name: string;
  /** Configuration space of the functions without VFs. */
  readonly functions: readonly FunctionProfile[];
  /** Registers of the PF in its BAR 0. */
  readonly registers: RegisterTable;
  /** Adds further registers and what they do, as `chip82599` makes it. Default: none. */
  readonly extend?: ExtendCard;
  /** Makes a probe of the card's own in front of the one of all, for an extension that counts. Default: that one. */
  readonly makeProbe?: (outer: Probe) => Probe;
  /** Puts something between the DMA engine and the requester, as `PipelinedPort` of sriovsim/dma. Default: nothing. */
  readonly makePort?: (name: string, scheduler: Scheduler, requester: DmaPort) => DmaPort;
  /** Class of its interrupts, for an extension that has others than an `InterruptBlock`. */
  readonly interrupts?: InterruptsClass;
  /** Pools (VPorts) and queues of each. */
  readonly pools: number;
  /** VPorts and filters that there can be, for a VPortTable over a switch of this card's. */
  readonly vportLimits: VPortLimits;
  readonly queuesPerPool: number;
  /** Rates of the physical port in Gb/s. */
  readonly linkGbps: readonly number[];
  /** PCI Express link: rate and what the device advertises. */
  readonly pcie: Pick<LinkOptions, 'rate' | 'flitMode' | 'deviceCredits'>;
  /** Largest Max_Payload_Size in force. */
  readonly maxPayloadBytes: number;
  readonly maxReadRequestBytes: number;
  /** Time that functions need after resets and VF Enable, as `readiness` of sriovsim/pcie makes it. Default: none. */
  readonly readiness?: MakeReadiness;
  /** Reads outstanding at most. */
  readonly tags: number;
  /** Frames that the card holds at most: slots of the model's frame pool, a power of two. */
  readonly frameSlots: number;
  readonly transmitBufferBytes: number;
  readonly receiveBufferBytes: number;
  /** How classes share the receive buffer; without it each has the part that registers give it. */
  readonly sharedBuffer?: SharedBufferProfile;
  /** Descriptors cached of each ring. */
  readonly transmitCacheDescriptors: number;
  readonly receiveCacheDescriptors: number;
  /** Receive descriptors are prefetched when no more than this many are cached and at least that many wait. */
  readonly receivePrefetchThreshold: number;
  readonly receiveHostThreshold: number;
  /** Longest frame in memory. */
  readonly maxFrameBytes: number;
  /** Mirroring rules that registers set. */
  readonly mirrorRules: number;
  /** Further ones, which the host sets at the switch, also for what VPorts send. Default 0. */
  readonly hostMirrorRules?: number;
  /** Whether each VPort has a forwarding mode of its own, which the host sets at the switch. Default false. */
  readonly vportForwarding?: boolean;
  /** Whether it can be a port extender (IEEE 802.1BR, VN-Tag). Default false. */
  readonly portExtender?: boolean;
  /** When a unicast frame that a pool sends is kept from the wire. */
  readonly localMatch: LocalMatch;
  /** Which pools may send without a VLAN where VLANs are checked. */
  readonly untaggedCheck: UntaggedCheck;
  /** Limits in kb/s instead of rate factors, of pools instead of queues, and guaranteed minima. Default false. */
  readonly exactRates?: boolean;
  /** Core clock, and what a frame takes in the switch: cycles until it comes out, cycles until the next may go in. */
  readonly coreClockPs: number;
  readonly switchCycles: number;
  readonly switchCyclesPerFrame: number;
  /**
   * Width of the switch's pipeline: a frame occupies it for a cycle for every so many bytes, and no less than
   * `switchCyclesPerFrame`. Without it for those alone, whatever its length.
   */
  readonly switchBytesPerCycle?: number;
  /** Whether frames from and to the wire go on when they are whole, or after their header. Default `store-and-forward`. */
  readonly switching?: Switching;
  /** With `cut-through`: bytes of a frame in the card before the wire begins with it, from 64 on. Default 256. */
  readonly transmitThresholdBytes?: number;
  /** Who goes next where frames of several ports wait for the switch's pipeline. Default `arrival`. */
  readonly switchArbitration?: SwitchArbitration;
  /** Shares of the pipeline's time with `weighted`. Default: as much for the wire as for the host. */
  readonly switchWeights?: SwitchWeights;
  /** When its queues mark IP packets; without it never. */
  readonly ecn?: EcnProfile;
  readonly writeBackHoldPs: number;
  readonly registerReadPs: number;
  readonly interruptPs: number;
  /** From the wire's last bit to the switch, and from the transmit buffer to the wire's first: MAC and PHY. */
  readonly macPs: number;
  /** A unit of EITR's interval. */
  readonly throttleUnitPs: number;
  /** MSI-X vectors of the PF and of each VF. */
  readonly pfVectors: number;
  readonly vfVectors: number;
}
