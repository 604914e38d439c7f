/** The card: functions, registers, data plane, interrupts, mailboxes, MAC port. It knows no host. */

// First, as in sim: a bundle has modules in this order, and is smaller compressed.

export {
  type MacFlowControl,
  MacPort,
  type MacPortSink,
  type PartialFrames,
  type WirePeer,
} from './mac-port.ts';
export {
  type ArbitratedPipeline,
  PipelineArbiter,
  type PipelineArbiterOptions,
  SWITCH_ARBITRATIONS,
  type SwitchArbitration,
  type SwitchWeights,
} from './pipeline-arbiter.ts';
export { TRANSMIT_THRESHOLD_BYTES, TransmitCutThrough, type TransmitPlane } from './transmit-cut-through.ts';

// All others, by name.

export { AdvancedReceiveFormat, AdvancedTransmitFormat } from './advanced-descriptors.ts';
export type { ExtendCard, ExtensibleCard, ExtensiblePlane } from './card-extension.ts';
export { Chip, type ChipOptions, extendByChip } from './chip/chip.ts';
export { ChipInterrupts, type InterruptMode } from './chip/chip-interrupts.ts';
export { CountingProbe, type FrameCounter } from './chip/counting-probe.ts';
export { buildEeprom, EEPROM_SUM, type EepromContents } from './chip/eeprom.ts';
export { FrameStatistics, QueueCounts, WireCounts } from './chip/frame-statistics.ts';
export type { IntxLine } from './chip/intx-line.ts';
export type { PhyRegisters } from './chip/mdio.ts';
export type { PortLink } from './chip/port-link.ts';
export { Throttles } from './chip/throttles.ts';
export type { UnknownRegisters } from './chip/unknown-registers.ts';
export type { VfFront, VfSurroundings } from './chip/vf-front.ts';
export { ClassPath, type ClassPathParts } from './class-path.ts';
export { type BufferListener, ClassedBuffer, type ReceiveQueues } from './classed-buffer.ts';
export {
  CUT_THROUGH_BYTES,
  CutThrough,
  type CutThroughPlane,
  headerBytes,
  SWITCHINGS,
  type Switching,
} from './cut-through.ts';
export { DataPlane } from './data-plane.ts';
export { NIC_DROP_REASONS, NicDrop, type NicDropReason, NicDrops } from './drops.ts';
export { EarlyDeparture, type EarlyFrames, type EarlyMac } from './early-departure.ts';
export { ECN_DROP, EcnMarker, type EcnProfile } from './ecn-marker.ts';
export {
  CABLE_PS_PER_METRE,
  ETHERNET_GBPS,
  type Fec,
  fecDelayPs,
  fecsOf,
  InterFrameGaps,
} from './ethernet-timing.ts';
export { FlowControl, type FlowControlSettings, headroomBytes, type PauseThreshold } from './flow-control.ts';
export { FrameArrival } from './frame-arrival.ts';
export { FramePriorities } from './frame-priority.ts';
export {
  type CardInterrupts,
  InterruptBlock,
  type InterruptBus,
  type InterruptsClass,
} from './interrupts.ts';
export { MacQueues } from './mac-queues.ts';
export { MAILBOX_WORDS, Mailboxes, type MailboxInterrupts, PFMAILBOX, VFMAILBOX } from './mailbox.ts';
export { Nic, type NicOptions } from './nic.ts';
export { INTEL_82599_OFFLOAD_REGISTERS } from './offload-registers.ts';
export { useOffloads } from './offloads.ts';
export { PacketBuffer, type PacketBufferClass, type PacketBufferOptions } from './packet-buffer.ts';
export { type ControlPort, PauseSender, type PauseSenderOptions } from './pause-sender.ts';
export { type PauseMode, PauseTimers } from './pause-timers.ts';
export { type PfRegisterContext, PfRegisters } from './pf-registers.ts';
export type { NicProfile, SharedBufferProfile } from './profile.ts';
export {
  PF_RECEIVE,
  PF_RECEIVE_HIGH,
  PF_TRANSMIT,
  receiveQueueAt,
  transmitQueueAt,
  VF_RECEIVE,
  VF_TRANSMIT,
  vfReceiveQueueAt,
  vfTransmitQueueAt,
} from './queue-offsets.ts';
export { type QueueListener, QueueRegisters, RDT } from './queue-registers.ts';
export type { QueueInterrupts, RingProgress } from './ring-progress.ts';
export { SwitchControl } from './switch-control.ts';
export { useTransmitReports } from './transmit-reports.ts';
export type { TransmitScheduling } from './transmit-scheduling.ts';
export { IVAR_VALID, type VfRegisterContext, VfRegisters, VTIVAR } from './vf-registers.ts';
export type { CardVPort } from './vport-view.ts';
