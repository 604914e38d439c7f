/** PCI Express: configuration space and SR-IOV, enumeration, transaction layer and link, root complex. */

export {
  type AddressTranslator,
  TRANSLATION_FAULT,
  TRANSLATION_MISS,
  type TranslationClient,
  type TranslationRequest,
} from './address-translator.ts';
export { type Bandwidth, type BandwidthQuestion, pcieBandwidth } from './bandwidth.ts';
export {
  type BarDefinition,
  type BarTarget,
  barAddress,
  barFromProbe,
  barRows,
  checkBars,
  ROM_BAR,
} from './bar.ts';
export { BridgePort, type BridgePortOptions } from './bridge.ts';
export {
  ACS_ISOLATION,
  ACS_OF_FUNCTIONS,
  ACS_OF_PORTS,
  type AcsOptions,
  AcsService,
  acs,
  acsRows,
} from './capabilities/acs.ts';
export { type AerOptions, aer, aerRows } from './capabilities/aer.ts';
export { CorrectableError, UncorrectableError } from './capabilities/aer-errors.ts';
export { type AriOptions, ari } from './capabilities/ari.ts';
export { type AtsFunction, type AtsOptions, type AtsState, ats, atsState } from './capabilities/ats.ts';
export {
  type Capability,
  type CapabilityHost,
  type DecodedState,
  type FunctionContext,
  type HostRegisters,
  headerRow,
  type PlacedCapability,
  placeCapabilities,
  type SriovHost,
} from './capabilities/capability.ts';
export { type DeviceSerialNumberOptions, deviceSerialNumber } from './capabilities/device-serial-number.ts';
export {
  CAP_MSI,
  CAP_MSIX,
  CAP_PCI_EXPRESS,
  CAP_POWER_MANAGEMENT,
  CAP_VPD,
  ECAP_ACS,
  ECAP_AER,
  ECAP_ARI,
  ECAP_ATS,
  ECAP_DEVICE_SERIAL_NUMBER,
  ECAP_LTR,
  ECAP_PASID,
  ECAP_PRI,
  ECAP_SECONDARY_PCI_EXPRESS,
  ECAP_SRIOV,
  ECAP_TPH,
} from './capabilities/ids.ts';
export { knownCapability } from './capabilities/known.ts';
export type { KnownCapability } from './capabilities/known-capability.ts';
export { type LtrOptions, ltr, ltrLatencyNs } from './capabilities/ltr.ts';
export { type MsiOptions, msi, msiRows } from './capabilities/msi.ts';
export { type MsixCapability, type MsixOptions, msix, msixRows } from './capabilities/msix.ts';
export { type PasidOptions, pasid } from './capabilities/pasid.ts';
export {
  LINK_ACTIVE_REPORTING,
  LINK_STATUS_ACTIVE,
  type PciExpressOptions,
  PORT_DOWNSTREAM,
  PORT_ENDPOINT,
  PORT_ROOT,
  PORT_UPSTREAM,
  pciExpress,
} from './capabilities/pci-express.ts';
export { type PciExpressRegisters, pciExpressRows } from './capabilities/pci-express-rows.ts';
export { type PhysicalLayer64Options, physicalLayer64 } from './capabilities/physical-layer-64.ts';
export { type PowerManagementOptions, powerManagement } from './capabilities/power-management.ts';
export { type PriOptions, pri } from './capabilities/pri.ts';
export {
  type SecondaryPciExpressOptions,
  secondaryPciExpress,
} from './capabilities/secondary-pci-express.ts';
export {
  ARI_CAPABLE_HIERARCHY,
  REQUIRED_PAGE_SIZES,
  type SriovCapability,
  type SriovOptions,
  sriov,
  sriovRows,
  VF_ENABLE,
  VF_MEMORY_SPACE_ENABLE,
  type VfRouting,
  type VfRoutingRule,
  type VirtualFunctionProfile,
} from './capabilities/sriov.ts';
export { type TphOptions, tph } from './capabilities/tph.ts';
export { type VpdOptions, vpd } from './capabilities/vpd.ts';
export { type VpdContents, vpdData } from './capabilities/vpd-data.ts';
export { bytesOfRead, completionOf, completionsOf, registerCompletion } from './codec/completions.ts';
export { DataLink, type DataLinkCounters, type DataLinkOptions } from './codec/data-link.ts';
export {
  type AckNakDllp,
  DLLP_PACKET_BYTES,
  type Dllp,
  encodeDllp,
  type FlowControlDllp,
  type OpenDllp,
  type ParsedDllp,
  type PlainDllp,
  parseDllp,
} from './codec/dllp.ts';
export { encodeFlitTlp } from './codec/encode-flit-tlp.ts';
export { encodedBytes, encodeTlp, encodeTlpInto } from './codec/encode-tlp.ts';
export {
  EndpointReceiver,
  type EndpointReceiverOptions,
  type Reception,
  type ReceptionOutcome,
} from './codec/endpoint-receiver.ts';
export {
  FLIT_CHECKS,
  type FlitCheck,
  type FlitContent,
  type FlitSteering,
  type FlitTlp,
  type FlitViolation,
} from './codec/flit-tlp-types.ts';
export {
  CreditFlowControl,
  type CreditFlowControlOptions,
  creditsOfTlp,
  type TlpCredits,
} from './codec/flow-control.ts';
export {
  type Frame,
  frameDllp,
  frameTlp,
  type LinkEncoding,
  type LinkTlp,
  unframe,
} from './codec/framing.ts';
export { dllpCrc, ecrc, lcrc } from './codec/link-crc.ts';
export { MESSAGES, type MessageRow, messageOf } from './codec/messages.ts';
export { type CompletionMatch, OutstandingReads } from './codec/outstanding-reads.ts';
export { flitTlpBytes, type ParsedFlitTlp, parseFlitTlp } from './codec/parse-flit-tlp.ts';
export { type ParsedTlp, parseTlp } from './codec/parse-tlp.ts';
export { type PasidPrefix, PrefixType, pasidOf, pasidPrefix, type TlpPrefix } from './codec/prefix.ts';
export { TLP_CHECKS, type TlpCheck, type TlpCheckRow, type TlpViolation } from './codec/tlp-checks.ts';
export { TlpFields } from './codec/tlp-fields.ts';
export { TlpGroup } from './codec/tlp-formats.ts';
export type { TlpReceiverSettings } from './codec/tlp-limits.ts';
export {
  type AtomicTlp,
  type CompletionTlp,
  type ConfigTlp,
  type IoTlp,
  isNonPosted,
  lengthOf,
  type MemoryCommon,
  type MemoryReadTlp,
  type MemoryWriteTlp,
  MessageRouting,
  type MessageTlp,
  type RequestCommon,
  TLP_TYPES,
  type TlpCommon,
  type TlpHints,
  type TlpPacket,
  type TlpType,
} from './codec/tlp-types.ts';
export { type EcrcState, TlpView } from './codec/tlp-view.ts';
export { CompletionTimeouts, completionTimeoutPs } from './completion-timeout.ts';
export { type CompletionCut, CompletionTrain } from './completion-train.ts';
export {
  allOnes,
  CONFIG_RETRY,
  type ConfigAccess,
  type ConfigTarget,
  type ConfigType,
} from './config-access.ts';
export { buildLayout, type ConfigLayout, capabilityOffset, registerOffset } from './config-layout.ts';
export {
  type ConfigOwner,
  ConfigSpace,
  type ConfigWriteHook,
  type ResetKind,
} from './config-space.ts';
export { type CreditAdvertisement, CreditGate, INFINITE_CREDITS } from './credits.ts';
export { Damage, type DataLinkErrors, type LinkPacket } from './data-link-errors.ts';
export { Endpoint, type EndpointOptions, sriovOf } from './endpoint.ts';
export { endpointLayout } from './endpoint-layout.ts';
export { type CompleterTarget, EndpointPort, NOT_CLAIMED, type UnclaimedListener } from './endpoint-port.ts';
export {
  type EndpointState,
  restoreConfig,
  restoreEndpoint,
  saveConfig,
  saveEndpoint,
} from './endpoint-state.ts';
export { enumerate } from './enumerate.ts';
export {
  type AddressWindow,
  allEnumerated,
  type EnumeratedBar,
  type EnumeratedCapability,
  type EnumeratedFunction,
  type EnumeratedSriov,
  type EnumeratedTree,
  type EnumerateOptions,
  findFunctions,
} from './enumerated.ts';
export { describeErrors, reportCorrectable, reportToAll, reportUncorrectable } from './error-report.ts';
export { type ExplainedPart, explainConfig, formatExplained } from './explain.ts';
export { PcieFabric } from './fabric/fabric.ts';
export {
  type DeviceTiming,
  type FabricLink,
  type FabricOptions,
  type RootComplexTiming,
  SWITCH_CREDITS,
} from './fabric/fabric-options.ts';
export type { FabricHop, FabricOutcome, FabricRequest } from './fabric/fabric-request.ts';
export { LinkSwitch, type SwitchRouting } from './fabric/link-switch.ts';
export { type SwitchNeighbours, SwitchPorts } from './fabric/switch-ports.ts';
export type { ForwardingTiming } from './fabric/tlp-node.ts';
export {
  FLIT_BYTES,
  FLIT_CRC_BYTES,
  FLIT_DLP_BYTES,
  FLIT_FEC_BYTES,
  FLIT_SKIP_SYMBOLS,
  FLIT_TLP_BYTES,
  FlitClock,
  flitsBetweenSkips,
} from './flit.ts';
export { FlitErrors } from './flit-errors.ts';
export { FlitFate, FlitFates, type WrongBits, wrongBitsAt, wrongBurstsAt } from './flit-fates.ts';
export { flitMode, flitModeOf } from './flit-mode.ts';
export { FlitPacker } from './flit-packer.ts';
export { OHC_BYTES, type OhcQuestion, ohcBytes } from './flit-tlp.ts';
export { FlitWire } from './flit-wire.ts';
export {
  type DecodeListener,
  type FunctionEmitter,
  type FunctionEvents,
  type FunctionParts,
  type FunctionProfile,
  PcieFunction,
  type ResetCause,
  type VirtualFunctions,
} from './function.ts';
export { followFunctions } from './function-requests.ts';
export type { FunctionIdentity } from './header.ts';
export { PcieLink } from './link.ts';
export { LinkDirection } from './link-direction.ts';
export { type BitErrors, LinkErrors } from './link-errors.ts';
export type { LinkOptions } from './link-options.ts';
export { LinkOutage } from './link-outage.ts';
export { checkLinkRate, type LinkRate, linkPsPerByte, symbolPs, updateLatencySymbols } from './link-rate.ts';
export type { Wire } from './link-wire.ts';
export {
  configBytes,
  formatLspci,
  type LspciFunction,
  lspciAddress,
  lspciDump,
  parseLspciDump,
} from './lspci.ts';
export { type LspciTreeOptions, lspciTree } from './lspci-tree.ts';
export { MsiInterrupts } from './msi-interrupts.ts';
export { MsixTable, type SendMessage } from './msix-table.ts';
export { listCapabilities, probeBars } from './probe.ts';
export { type MakeReadiness, Readiness, type ReadinessTimes, readiness } from './readiness.ts';
export type { ReplayCause } from './replay-buffer.ts';
export { replayTimerSymbols } from './replay-timer.ts';
export { RequestErrors } from './request-errors.ts';
export { Requester } from './requester.ts';
export type {
  FailureListener,
  MemoryRequest,
  RequesterClient,
  RequesterOptions,
} from './requester-client.ts';
export { LogicalBus, RootBus } from './root-bus.ts';
export { type Resettable, RootComplex, type Routing } from './root-complex.ts';
export { connectRootErrors, logRootError, receiveErrorMessage } from './root-errors.ts';
export { RootPort } from './root-port.ts';
export {
  type InterruptTarget,
  MESSAGE_BASE,
  MESSAGE_BYTES,
  type PostedOrigin,
  type RootPortOptions,
} from './root-port-options.ts';
export {
  busOf,
  deviceOf,
  formatRoutingId,
  functionOf,
  makeRoutingId,
  parseRoutingId,
  type RoutingId,
} from './routing-id.ts';
export { SriovControl, type SriovNeighbours } from './sriov.ts';
export {
  currentVfs,
  disableVfs,
  disablingVfs,
  enableVfs,
  enablingVfs,
  SriovError,
  type SriovErrorCode,
  type SriovSoftwareOptions,
  setNumVfs,
  VF_ENABLE_MS,
} from './sriov-software.ts';
export {
  CompletionStatus,
  CREDIT_BYTES,
  completionCount,
  DATA_LINK_OVERHEAD_BYTES,
  DLLP_BYTES,
  FlowClass,
  flowClassOf,
  HEADER_3DW_BYTES,
  HEADER_4DW_BYTES,
  memoryHeaderBytes,
  ReadOutcome,
  spanOf,
  TlpKind,
} from './tlp.ts';
export {
  byteEnablesOf,
  type CompletionTlpHeader,
  type ConfigTlpHeader,
  decodeTlpHeader,
  encodeTlpHeader,
  type MemoryTlpHeader,
  type MessageTlpHeader,
  type TlpHeader,
} from './tlp-bytes.ts';
export { type LostTlps, Tlp, TlpPool } from './tlp-pool.ts';
export type { Foresight, TlpReceiver } from './tlp-receiver.ts';
export {
  RESENT_DOWNSTREAM,
  type TlpHeaderRecord,
  type TlpLinkRecord,
  unpackTlpHeader,
  unpackTlpLink,
} from './tlp-record.ts';
export {
  enabledServices,
  type PeerRoute,
  portNumberOf,
  requestToPeer,
} from './topology/acs-decision.ts';
export { enableCardVfs, WIDE_WINDOWS } from './topology/bring-up.ts';
export { type HierarchyOptions, PcieHierarchy } from './topology/hierarchy.ts';
export {
  formatIommuGroups,
  type GroupedFunction,
  type IommuGroup,
  type IommuGroupOptions,
  iommuGroups,
} from './topology/iommu-groups.ts';
export { enableAcs, lacksIsolation } from './topology/isolation.ts';
export type { PortOptions } from './topology/ports.ts';
export {
  AddressType,
  formatHops,
  type HierarchyError,
  type HierarchyOutcome,
  type HierarchyRequest,
  type Hop,
  type HopAction,
} from './topology/request.ts';
export type { HostMemory, UntimedTranslator } from './topology/request-routing.ts';
export type { ConnectOptions, HierarchyDevice } from './topology/structure.ts';
export { surveyTree } from './topology/survey.ts';
export { PcieSwitch, type PcieSwitchOptions } from './topology/switch.ts';
