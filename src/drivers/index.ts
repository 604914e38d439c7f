/** Drivers: what the host and the guests run on the card, over {@link DeviceHandle} and nothing else. */
export { DataPath, type ReceiveHandler, type SaturatingSource, type SoftwareCosts } from './data-path.ts';
export { type PortFlowControl, writeFlowControl } from './flow-setup.ts';
export type { FrameTemplate } from './frame-template.ts';
export { IXGBE_MAX_VFS, IxgbeDriver, type PfDriverOptions } from './ixgbe.ts';
export { IxgbevfDriver, type VfDriverOptions } from './ixgbevf.ts';
export { type PoolMirror, type PoolOwner, writeMirrorRules } from './mirror-setup.ts';
export { PollModeDriver, type PollModeHandler, type PollModeOptions } from './poll-mode.ts';
export {
  type FrameSink,
  QueuePair,
  type QueuePairOptions,
  type QueueRegistersAt,
  queuePairBytes,
} from './queue-pair.ts';
export { enableVf, type VfLinkState, VfMessages } from './vf-messages.ts';
export type { VfTxRate } from './vf-rates.ts';
export {
  negotiateApi,
  requestFurtherMacs,
  requestLinkState,
  requestMac,
  requestMaxFrame,
  requestRedirectionTable,
  requestRssKey,
  requestXcastMode,
} from './vf-requests.ts';
export type { VfSettings } from './vf-settings.ts';
