/** The card's embedded switch: usable alone, without time, and as part of the card. */

export { AdjacentBridge, type AdjacentBridgeOptions } from './adjacent-bridge.ts';
export {
  type BridgeOutput,
  ControllingBridge,
  type ControllingBridgeOptions,
  type PortExtender,
} from './controlling-bridge.ts';
export { DROP_REASONS, type DropReason, EGRESS_REASONS } from './drop-reason.ts';
export type { EgressStageOptions } from './egress-options.ts';
export { EgressStage } from './egress-stage.ts';
export type { ForwardingMode, VPortIsolation } from './forwarding.ts';
export { taggedPriority } from './frame-priority.ts';
export type { FrameRate, SwitchClock } from './frame-rate-limit.ts';
export { hashIndex } from './hash-filter.ts';
export type { MacAddress } from './mac-address.ts';
export { MIRROR_RULE_KEYS, type MirrorRule } from './mirror-rules.ts';
export { NicSwitch } from './nic-switch.ts';
export type { Balance, ExactPortCounters, PortBalance, PortCounters } from './port-counters.ts';
export type { PortQueues } from './port-queues.ts';
export { type PortPriorities, recommendedTrafficClasses } from './priority-table.ts';
export {
  byteTimeOfFactor,
  countedBytes,
  EXACT_RATES,
  INTEL_82599_RATES,
  type RateProfile,
  rateFactorOf,
  weightsOf,
} from './rate-profile.ts';
export type { PortVlan } from './record-compiler.ts';
export { REFUSALS, type Refusal, RefusalCounts } from './refusal.ts';
export { attachSwitchConfiguration, type SharedConfiguration } from './shared-configuration.ts';
export type { RingSizes, SharedSwitchDescriptor } from './shared-layout.ts';
export { SharedSwitch, type SharedSwitchOptions } from './shared-switch.ts';
export { STORM_KINDS, type StormKind } from './storm-control.ts';
export type { SwitchCompanion } from './switch-companion.ts';
export type { SwitchConfiguration } from './switch-configuration.ts';
export type { ChangeResult, ConfigurationChange, ConfigurationMethod } from './switch-mailbox.ts';
export type { NicSwitchOptions } from './switch-options.ts';
export type { AllowedVlans, SwitchPolicy } from './switch-policy.ts';
export {
  attachSwitchPort,
  attachSwitchReceiver,
  attachSwitchSender,
  type SwitchPort,
} from './switch-port.ts';
export type { SwitchReceiver } from './switch-receiver.ts';
export type { SwitchSender } from './switch-sender.ts';
export type { LocalMatch } from './switch-tables.ts';
export type { DoubleVlan, TagConfiguration } from './tag-configuration.ts';
export { TagTables } from './tag-tables.ts';
export {
  entrySlot,
  NUMBER_MASK,
  TAG_AS_IS,
  TAG_BEHIND_OUTER,
  TAG_INSERT,
  TAG_INSERT_OUTER,
  TAG_INSERT_VIRTUAL,
  TAG_SHIFT,
  TAG_STRIP,
  TAG_STRIP_OUTER,
  TAG_STRIP_VIRTUAL,
  type TagOperation,
  tagOperation,
  targetPort,
} from './target.ts';
export type { VirtualTagKind } from './virtual-access.ts';
export type { UntaggedCheck } from './vlan-table.ts';
export {
  type ReceiveMode,
  VPort,
  type VPortOwner,
  type VPortState,
} from './vport.ts';
export type { VPortLimits } from './vport-limits.ts';
export {
  DEFAULT_VPORT_ID,
  type VPortOptions,
  VPortTable,
  type VPortTableOptions,
} from './vport-table.ts';
