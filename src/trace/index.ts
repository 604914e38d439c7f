/** Sinks for the kernel's probes. No model file imports them. */
export { EventLog, type EventRecord } from './event-log.ts';
export { FrameCapture, type FrameCaptureOptions } from './frame-capture.ts';
