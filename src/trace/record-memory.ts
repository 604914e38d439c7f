import { putData, putRecord } from './log-encoding.ts';
import { LOG_DATA_BYTES, LOG_RECORD_BYTES, LogKind, type LogTarget } from './log-format.ts';

// Constants of this module: see "The hot path" in docs/architecture.md.
const HIGH = 1 / 2 ** 32;
const DATA = LogKind.DATA;
/** Whether words of this machine lie in memory as those of a log do. */
const LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/** Memory that records of a binary log are put into, one behind the other, until it is full. */
export abstract class RecordMemory implements LogTarget {
  /** Records taken so far, those of data and those that are no longer in memory included. */
  written = 0;
  protected readonly bytes: Uint8Array;
  /** Where the next record goes. */
  protected at = 0;
  /** Where there is no more room: a multiple of the bytes of a record. */
  protected limit: number;
  private readonly view: DataView;
  private readonly words: Int32Array;
  /** What data came from last, and its words. */
  private source: Uint8Array | null = null;
  private sourceWords: Int32Array = new Int32Array(0);

  /** @param records that it has room for. */
  constructor(records: number) {
    this.bytes = new Uint8Array(records * LOG_RECORD_BYTES);
    this.limit = this.bytes.length;
    this.view = new DataView(this.bytes.buffer);
    this.words = new Int32Array(this.bytes.buffer);
  }

  /** The last record has come to the limit: makes room, and says in {@link RecordMemory.at} where. */
  protected abstract full(): void;

  record(timePs: number, kind: number, a: number, b: number, c: number): void {
    const { at, words } = this;
    if (LITTLE_ENDIAN) {
      const word = at >> 2;
      words[word] = kind;
      words[word + 1] = a;
      words[word + 2] = b;
      words[word + 3] = c;
      // As putRecord writes it.
      words[word + 4] = timePs | 0;
      words[word + 5] = (timePs * HIGH) | 0;
    } else putRecord(this.view, at, timePs, kind, a, b, c);
    this.written++;
    this.at = at + LOG_RECORD_BYTES;
    if (this.at === this.limit) this.full();
  }

  data(u8: Uint8Array, from: number, bytes: number): void {
    // A frame begins with a word: 60 bytes of it take a fifth of the time that they take byte by byte.
    const isWords = LITTLE_ENDIAN && ((u8.byteOffset | from) & 3) === 0;
    for (let done = 0; done < bytes; done += LOG_DATA_BYTES) {
      if (isWords && done + LOG_DATA_BYTES <= bytes) this.putWords(u8, (from + done) >> 2);
      else putData(this.view, this.bytes, this.at, u8, from + done, bytes - done);
      this.advance();
    }
  }

  /** A DATA record with the five words from `from` on. */
  private putWords(u8: Uint8Array, from: number): void {
    if (this.source !== u8) {
      this.source = u8;
      this.sourceWords = new Int32Array(u8.buffer, u8.byteOffset, u8.byteLength >> 2);
    }
    const { words, sourceWords } = this;
    const word = this.at >> 2;
    words[word] = DATA;
    words[word + 1] = sourceWords[from];
    words[word + 2] = sourceWords[from + 1];
    words[word + 3] = sourceWords[from + 2];
    words[word + 4] = sourceWords[from + 3];
    words[word + 5] = sourceWords[from + 4];
  }

  private advance(): void {
    this.written++;
    this.at += LOG_RECORD_BYTES;
    if (this.at === this.limit) this.full();
  }
}
