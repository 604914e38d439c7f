import { ProbeKind } from '../../kernel/index.ts';
import { TAG_INSERT, tagOperation, targetPort } from '../../nicswitch/index.ts';
import type { LogRecord, LogStore } from '../../trace/index.ts';
import type { CardReplay } from './card-replay.ts';
import type { Receipt } from './collected-frame.ts';
import type { Train } from './trains.ts';

/** A tag that is written on its own is so long, and no header. */
const TAG_BYTES = 4;

/** Headers of a function's frames. */
interface Headers {
  /** Frames with other headers that have been given to descriptors, and writes of headers, both so far. */
  received: number;
  written: number;
  /** Those that a receiver of the frame may want, by their number. */
  readonly trains: Map<number, Train>;
}

/** Writes that are no older than this many headers may be those of a frame whose descriptor is just being taken. */
const KEPT = 8;

/**
 * Which writes bring a frame to its receivers. Most have their bytes in the frame's slot, and say which delivery they
 * belong to. A header with other tags lies elsewhere in the store: it is known by its number among those of its
 * function, because posted requests leave in the order in which they are made.
 */
export class PayloadWrites {
  private readonly store: LogStore;
  private readonly card: CardReplay;
  private readonly follow: (train: Train) => void;
  /** Of a frame's slot, by slot and delivery, in order of the last of each. */
  private readonly bySlot = new Map<string, Train[]>();
  private readonly headers = new Map<number, Headers>();
  /** Numbers of headers of receivers of the frame. */
  private readonly wanted = new Map<Receipt, number>();
  /** Frames on their way to receivers with other tags than VLAN tags that are put in or taken out: slot and port. */
  private readonly edited = new Set<string>();

  /** @param follow is told of each write that is the frame's. */
  constructor(store: LogStore, card: CardReplay, follow: (train: Train) => void) {
    this.store = store;
    this.card = card;
    this.follow = follow;
  }

  /** Takes every record of the log; `receipt` for an RX_DESCRIPTOR of the frame's. */
  record({ kind, a, b, c }: LogRecord, receipt: Receipt | null): void {
    if (kind === ProbeKind.FRAME_OUT) {
      const key = `${a} ${targetPort(b)}`;
      if (tagOperation(b) > TAG_INSERT) this.edited.add(key);
      else this.edited.delete(key);
    } else if (kind === ProbeKind.RX_DESCRIPTOR && this.card.isComplete) {
      if (!this.edited.has(`${c} ${this.card.nic.data.pools[a]}`)) return;
      const headers = this.headersOf(this.card.routingIdOf(a));
      const number = headers.received++;
      if (receipt === null) return;
      this.wanted.set(receipt, number);
      const train = headers.trains.get(number);
      if (train !== undefined) this.follow(train);
    }
  }

  /** A write of a frame, of any; `isLive` says whether the frame lies in a slot. */
  train(train: Train, isLive: (slot: number) => boolean): void {
    const { slots, slotBytes } = this.store;
    if (train.place >= slots * slotBytes) {
      if (train.bytes > TAG_BYTES) this.header(train);
      return;
    }
    const slot = Math.floor(train.place / slotBytes);
    if (!isLive(slot)) return;
    const key = `${slot} ${train.cookie}`;
    const group = [...(this.bySlot.get(key) ?? []), train];
    // Behind those whose last write came before.
    this.bySlot.delete(key);
    this.bySlot.set(key, group);
    this.follow(train);
  }

  /** Gives the writes to the receivers. */
  end(receipts: readonly Receipt[]): void {
    const groups = [...this.bySlot].map(([key, trains]) => ({ slot: Number(key.split(' ')[0]), trains }));
    const taken = receipts.filter(({ descriptor }) => descriptor !== null);
    taken.sort((x, y) => (x.descriptor?.timePs ?? 0) - (y.descriptor?.timePs ?? 0));
    for (const receipt of taken) {
      const { card } = this;
      // Without the registers it is not known who that is: then the order has to do.
      const requester = card.isComplete ? card.routingIdOf((receipt.descriptor as LogRecord).a) : null;
      const number = this.wanted.get(receipt);
      const header =
        number === undefined || requester === null ? undefined : this.headersOf(requester).trains.get(number);
      const i = groups.findIndex(
        ({ slot, trains: [{ requester: by, cookie }] }) =>
          slot === receipt.slot &&
          (requester === null || by === requester) &&
          (header === undefined || cookie === header.cookie),
      );
      const rest =
        i < 0 || (number !== undefined && header === undefined) ? [] : groups.splice(i, 1)[0].trains;
      receipt.writes = header === undefined ? rest : [header, ...rest];
    }
  }

  private header(train: Train): void {
    const headers = this.headersOf(train.requester);
    const number = headers.written++;
    headers.trains.set(number, train);
    const isWanted = [...this.wanted].some(
      ([{ descriptor }, each]) =>
        each === number && this.card.routingIdOf((descriptor as LogRecord).a) === train.requester,
    );
    if (isWanted) this.follow(train);
    // The frame's own are the last, or will be wanted at once.
    if (this.wanted.size === 0) headers.trains.delete(number - KEPT);
  }

  private headersOf(requester: number): Headers {
    let headers = this.headers.get(requester);
    if (headers === undefined) {
      headers = { received: 0, written: 0, trains: new Map() };
      this.headers.set(requester, headers);
    }
    return headers;
  }
}
