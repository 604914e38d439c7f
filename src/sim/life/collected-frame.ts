import type { LogRecord } from '../../trace/index.ts';
import type { TailWrite } from './ring-tails.ts';
import type { TrainFates } from './train-fates.ts';
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
  /** When its ring was stopped, in ps, with all of its descriptors that were not written back; null where it was not. */
  stoppedPs: number | null;
  /** What has kept it from the receiver's software; null where nothing has. */
  lost: LostFrame | null;
  /** WIRE_SENT. */
  wire: LogRecord | null;
}

/** Why a receiver that a descriptor was taken for does not get the frame. */
export interface LostFrame {
  readonly why: 'linkDown' | 'refused' | 'ringStopped';
  readonly timePs: number;
  /** Of a refused write, whether it is that of the descriptor. */
  readonly isDescriptor: boolean;
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
  fates: TrainFates;
  /** When the link went down, in ps, each time. */
  downsPs: number[];
}
