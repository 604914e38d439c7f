/** Sinks for the kernel's probes. No model file imports them. */
export { EventLog, type EventRecord } from './event-log.ts';
export { FrameBytes } from './frame-bytes.ts';
export { FrameCapture, type FrameCaptureOptions } from './frame-capture.ts';
export {
  LOG_KIND_NAMES,
  LOG_RECORD_BYTES,
  LOG_VERSION,
  type LogAperture,
  LogError,
  type LogHeader,
  LogKind,
  type LogLink,
  type LogStore,
  type LogTarget,
  type LogTrailer,
} from './log-format.ts';
export { BinaryLog, type LogRecord } from './log-reader.ts';
export { LogRing } from './log-ring.ts';
export { type LogOutput, LogWriter } from './log-writer.ts';
export { type SingleTlp, singleTlps } from './single-tlps.ts';
export { SinkPair } from './sink-pair.ts';
export { formatTlp, TLP_COLUMNS } from './tlp-text.ts';
