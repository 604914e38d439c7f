/** A frame that is sent many times: its bytes as words, and where in them a sequence number goes. */
export interface FrameTemplate {
  /** Different for every template of a run. */
  readonly id: number;
  readonly words: Int32Array;
  /** Bytes in memory, without frame check sequence. */
  readonly bytes: number;
  /** Word that takes the sequence number, or -1 for a frame that is sent as it is. */
  readonly sequenceWord: number;
}
