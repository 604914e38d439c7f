/** Sinks for the kernel's probes. No model file imports them. */
export { EventLog, type EventRecord } from './event-log.ts';
export { FrameBytes } from './frame-bytes.ts';
export { FrameCapture, type FrameCaptureOptions } from './frame-capture.ts';
export { type LinkDownTime, LinkStates } from './link-states.ts';
export { type ConfigurationChange, encodeChange, LogConfigurations } from './log-configurations.ts';
export {
  LOG_KIND_NAMES,
  LOG_MAGIC,
  LOG_RECORD_BYTES,
  LOG_VERSION,
  LOG_VERSIONS,
  type LogAperture,
  LogError,
  type LogHeader,
  LogKind,
  type LogLink,
  type LogStore,
  type LogTarget,
  type LogTrailer,
  receiveClientOf,
  transmitClientOf,
} from './log-format.ts';
export { BinaryLog, type LogReading, type LogRecord } from './log-reader.ts';
export { LogRing } from './log-ring.ts';
export { type LogTrain, LogTrains } from './log-trains.ts';
export { type LogOutput, LogWriter } from './log-writer.ts';
export type { PerfettoArguments, PerfettoDetails, PerfettoTrackOptions } from './perfetto-writer.ts';
export { packRing, type RingRecord, unpackRing } from './ring-record.ts';
export { singleTlps } from './single-tlps.ts';
export { SinkPair } from './sink-pair.ts';
export {
  Timeline,
  type TimelineCounts,
  type TimelineEvent,
  type TimelineTrack,
  type TimelineTrackOptions,
  type TimelineWriter,
} from './timeline.ts';
export { TLP_LINK_TYPE, TLP_RECORD_BYTES, TLP_RECORD_VERSION, TlpCapture } from './tlp-capture.ts';
export type { SingleTlp } from './tlp-cut.ts';
export { TlpFrames } from './tlp-frames.ts';
export { type RegisterPlace, TlpFunctions } from './tlp-functions.ts';
export { tlpHeaderOf, tlpPayloadOf } from './tlp-header.ts';
export { type TlpPurposeOptions, TlpPurposes, type TlpRegisterNames } from './tlp-purpose.ts';
export {
  type TlpAmount,
  type TlpLatency,
  TlpSummary,
  type TlpSummaryData,
  type TlpSums,
} from './tlp-summary.ts';
export { formatTlp, TLP_COLUMNS, TLP_NAMES } from './tlp-text.ts';
export { TrainArrivals, type TrainDeparture } from './train-arrivals.ts';
export {
  VCD_HIGH_IMPEDANCE,
  VCD_UNKNOWN,
  type VcdHeader,
  type VcdVariable,
  VcdWriter,
} from './vcd-writer.ts';
export { Waveform, type WaveformSignal } from './waveform.ts';
