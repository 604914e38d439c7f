import { fetchQueueOf } from '../../dma/index.ts';
import { ProbeKind } from '../../kernel/index.ts';
import { TlpKind } from '../../pcie/index.ts';
import type { LogRecord, LogTrain, Waveform, WaveformSignal } from '../../trace/index.ts';
import type { LogNames } from './log-names.ts';
import type { LoggedRing, LoggedRings, RingChange } from './logged-rings.ts';
import { scopeNames } from './scope-names.ts';

/** Client that the card's transmit engine signs as; the receive engine is the next. */
const TRANSMIT = 0;
const RECEIVE = 1;
/** The registers have sixteen bits. */
const INDEX_BITS = 16;

/** The signals of a ring. */
interface Signals {
  readonly tail: WaveformSignal;
  readonly fetched: WaveformSignal;
  readonly head: WaveformSignal;
}

/** Signals of the descriptor rings that software sets up or uses within the log. */
export class RingSignals {
  private readonly waveform: Waveform;
  private readonly names: LogNames;
  private readonly rings: LoggedRings;
  private readonly scopes: readonly string[];
  private readonly signals = new Map<number, Signals>();

  constructor(waveform: Waveform, names: LogNames, rings: LoggedRings) {
    this.waveform = waveform;
    this.names = names;
    this.rings = rings;
    const pools = Array.from({ length: names.store.pools }, (_, pool) => names.portName(pool));
    this.scopes = scopeNames(pools);
  }

  /** Takes the next record of a log, with what it has changed of the rings. */
  add({ timePs, kind, a: queue, b: index }: LogRecord, changes: readonly RingChange[]): void {
    for (const { ring, what } of changes) {
      if (what === 'stopped' && !this.signals.has(keyOf(ring.queue, ring.transmit))) continue;
      const { tail, head, fetched } = this.of(ring);
      if (ring.tail !== null) this.waveform.set(tail, timePs, ring.tail);
      if (what === 'started') this.waveform.set(head, timePs, 0);
      if (what !== 'register') this.waveform.set(fetched, timePs, 0);
    }
    if (kind !== ProbeKind.TX_DESCRIPTOR && kind !== ProbeKind.RX_DESCRIPTOR) return;
    const ring = this.rings.ring(queue, kind === ProbeKind.TX_DESCRIPTOR);
    this.waveform.set(this.of(ring).head, timePs, behind(ring, index, 1));
  }

  /** Takes the next train of a log. */
  addTrain({ timePs, client, cookie, kind, address, bytes }: LogTrain): void {
    const queue = fetchQueueOf(cookie);
    if ((client !== TRANSMIT && client !== RECEIVE) || queue < 0 || kind !== TlpKind.MEMORY_READ) return;
    const first = this.rings.indexOf(queue, client === TRANSMIT, address);
    if (first < 0) return;
    const ring = this.rings.ring(queue, client === TRANSMIT);
    this.waveform.set(this.of(ring).fetched, timePs, behind(ring, first, bytes / 16));
  }

  private of({ queue, transmit }: LoggedRing): Signals {
    const key = keyOf(queue, transmit);
    const known = this.signals.get(key);
    if (known !== undefined) return known;
    const { waveform, names } = this;
    const scope = `queues.${this.scopes[names.poolOf(queue)]}.${transmit ? 'tx' : 'rx'}${names.queueInPool(queue)}`;
    const add = (name: string, about: string) => waveform.signal(`${scope}.${name}`, INDEX_BITS, about);
    const signals = {
      tail: add('tail', 'index behind the last descriptor that software has handed over'),
      fetched: add('fetched', 'index behind the last descriptor that has been asked for'),
      head: add(
        'head',
        transmit
          ? 'index behind the last one whose frame is in the switch'
          : 'index behind the last one that a frame has filled',
      ),
    };
    if (names.isFromPowerOn) for (const signal of Object.values(signals)) waveform.set(signal, 0, 0);
    this.signals.set(key, signals);
    return signals;
  }
}

function keyOf(queue: number, transmit: boolean): number {
  return 2 * queue + (transmit ? 1 : 0);
}

function behind({ running }: LoggedRing, index: number, count: number): number {
  return index + count === running ? 0 : index + count;
}
