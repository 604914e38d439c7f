/** The IOMMU: tables in memory, walks, IOTLB, faults, invalidation, VT-d's registers. Usable without a NIC and without a host. */
export { IOMMU_FAULT, IOMMU_MISS } from './answers.ts';
export type { CacheEntry, CacheShape, Replacement } from './associative-cache.ts';
export {
  type ContextEntry,
  clearEntry,
  PERMIT_READ,
  PERMIT_WRITE,
  TranslationType,
  writeContextEntry,
  writeLeafEntry,
  writeRootEntry,
  writeTableEntry,
} from './entry-formats.ts';
export { FaultLog, type FaultRecord } from './fault-log.ts';
export { FAULT_PHRASES, FaultReason, permissionReason } from './fault-reason.ts';
export { Iommu, type IommuEmitter, type IommuEvents } from './iommu.ts';
export type { IommuCounters } from './iommu-counters.ts';
export type { IommuOptions } from './iommu-options.ts';
export { DEFAULT_IOMMU_PROFILE, type IommuProfile } from './iommu-profile.ts';
export { Iotlb } from './iotlb.ts';
export { OrderedTranslations, type Translations } from './ordered-translations.ts';
export type { WalkerLimits } from './page-walker.ts';
export type { TranslationClient } from './request-table.ts';
export { type Context, RootTable, type RootTableOptions } from './root-table.ts';
export {
  type MapOptions,
  type MappedPage,
  SecondStageTable,
  type SecondStageTableOptions,
} from './second-stage-table.ts';
export type { Capabilities } from './vtd/capabilities.ts';
export type { DeviceTlbs } from './vtd/device-tlbs.ts';
export type { EventSink } from './vtd/event-message.ts';
export { FaultRecording } from './vtd/fault-recording.ts';
export { type Interrupt, InterruptFaultReason } from './vtd/interrupt-entry.ts';
export type { InterruptSink } from './vtd/interrupt-remapper.ts';
export { DescriptorType, QueueError } from './vtd/invalidation-descriptor.ts';
export { vtdRegisterTable } from './vtd/register-table.ts';
export { StaleTranslations } from './vtd/stale-translations.ts';
export { type VtdCounters, VtdUnit, type VtdUnitOptions } from './vtd/vtd-unit.ts';
export type { WalkClock } from './walk-unit.ts';
