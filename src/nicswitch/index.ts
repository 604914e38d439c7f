/** The card's embedded switch: usable alone, without time, and as part of the card. */
export { DROP_REASONS, type DropReason } from './drop-reason.ts';
export { hashIndex } from './hash-filter.ts';
export type { MacAddress } from './mac-address.ts';
export type { MirrorRule } from './mirror-rules.ts';
export { NicSwitch } from './nic-switch.ts';
export type { PortQueues } from './port-queues.ts';
export type { PortVlan, SwitchConfiguration } from './switch-configuration.ts';
export type { Balance, PortCounters } from './switch-counters.ts';
export type { NicSwitchOptions } from './switch-options.ts';
export type { LocalMatch } from './switch-tables.ts';
export {
  entrySlot,
  NUMBER_MASK,
  TAG_AS_IS,
  TAG_INSERT,
  TAG_SHIFT,
  TAG_STRIP,
  type TagOperation,
  tagOperation,
  targetPort,
} from './target.ts';
