import type { LogRecord } from '../../trace/index.ts';
import type { TailWrite } from './ring-tails.ts';
import type { Train } from './trains.ts';
import type { Translations } from './translations.ts';

/** A read of the device, and what answered it. */
export interface ReadPair {
  readonly request: Train;
  completion: Train | null;
}

/** What a log has of one receiver of a frame. */
export interface Receipt {
  /** FRAME_OUT. */
  readonly out: LogRecord;
  readonly port: number;
  /** Slot that it left in: a copy's, if it has one. */
  readonly slot: number;
  dropped: LogRecord | null;
  /** RX_DESCRIPTOR. */
  descriptor: LogRecord | null;
  writes: Train[];
  writeBack: Train | null;
  interrupt: { record: LogRecord; message: Train } | null;
  returned: TailWrite | null;
  /** WIRE_SENT. */
  wire: LogRecord | null;
}

/** What a log has of one frame. */
export interface CollectedFrame {
  doorbell: TailWrite | null;
  fetch: ReadPair | null;
  reads: ReadPair[];
  /** Write-back of its descriptor, if its sender asked for it. */
  status: Train | null;
  /** WIRE_TAKEN. */
  taken: LogRecord | null;
  copies: LogRecord[];
  /** FRAME_DROPPED where the switch gave it to nobody. */
  dropped: LogRecord | null;
  receipts: Receipt[];
  translations: Translations;
}
