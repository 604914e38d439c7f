import { fetchQueueOf } from '../../dma/index.ts';
import { ProbeKind } from '../../kernel/index.ts';
import { TlpKind } from '../../pcie/index.ts';
import {
  type LogRecord,
  type LogTrain,
  receiveClientOf,
  transmitClientOf,
  VCD_UNKNOWN,
  type Waveform,
  type WaveformSignal,
} from '../../trace/index.ts';
import type { LogNames } from './log-names.ts';
import type { LoggedRing, LoggedRings, RingChange } from './logged-rings.ts';
import { ScopeNames } from './scope-names.ts';

/** The registers have sixteen bits. */
const INDEX_BITS = 16;

/** The signals of a ring. */
interface Signals {
  readonly tail: WaveformSignal;
  readonly fetched: WaveformSignal;
  readonly head: WaveformSignal;
}

/**
 * Signals of the descriptor rings that software sets up or uses within the log. A signal belongs to a queue of a function: the
 * PF's rings lie behind those of its VFs, in another pool when there are others.
 */
export class RingSignals {
  private readonly waveform: Waveform;
  private readonly names: LogNames;
  private readonly rings: LoggedRings;
  private readonly scopes: ScopeNames;
  private readonly signals = new Map<string, Signals>();

  constructor(waveform: Waveform, names: LogNames, rings: LoggedRings) {
    this.waveform = waveform;
    this.names = names;
    this.rings = rings;
    this.scopes = new ScopeNames(
      Array.from({ length: names.store.pools }, (_, pool) => names.portName(pool)),
    );
  }

  /** Takes the next record of a log, with what it has changed of the rings. */
  add({ timePs, kind, a: queue, b: index }: LogRecord, changes: readonly RingChange[]): void {
    for (const { ring, what } of changes) {
      if (what === 'stopped' && !this.signals.has(this.pathOf(ring))) continue;
      const { tail, head, fetched } = this.of(ring);
      this.waveform.set(tail, timePs, ring.tail ?? VCD_UNKNOWN);
      if (what === 'started') this.waveform.set(head, timePs, 0);
      if (what !== 'register') this.waveform.set(fetched, timePs, what === 'lost' ? VCD_UNKNOWN : 0);
    }
    if (kind !== ProbeKind.TX_DESCRIPTOR && kind !== ProbeKind.RX_DESCRIPTOR) return;
    const ring = this.rings.ring(queue, kind === ProbeKind.TX_DESCRIPTOR);
    this.waveform.set(this.of(ring).head, timePs, behind(ring, index, 1));
  }

  /** Takes the next train of a log. */
  addTrain({ timePs, client, cookie, kind, address, bytes }: LogTrain): void {
    const { store } = this.names;
    const queue = fetchQueueOf(cookie);
    const transmit = client === transmitClientOf(store);
    if ((!transmit && client !== receiveClientOf(store)) || queue < 0 || kind !== TlpKind.MEMORY_READ) return;
    const ring = this.rings.ring(queue, transmit);
    const first = this.rings.indexOf(queue, transmit, address);
    this.waveform.set(
      this.of(ring).fetched,
      timePs,
      first < 0 ? VCD_UNKNOWN : behind(ring, first, bytes / 16),
    );
  }

  private pathOf({ queue, transmit }: LoggedRing): string {
    const { names, scopes } = this;
    const scope = scopes.of(names.portName(names.poolOf(queue)));
    return `queues.${scope}.${transmit ? 'tx' : 'rx'}${names.queueInPool(queue)}`;
  }

  private of(ring: LoggedRing): Signals {
    const path = this.pathOf(ring);
    const known = this.signals.get(path);
    if (known !== undefined) return known;
    const { waveform } = this;
    const add = (name: string, about: string) => waveform.signal(`${path}.${name}`, INDEX_BITS, about);
    const signals = {
      tail: add('tail', 'index behind the last descriptor that software has handed over'),
      fetched: add('fetched', 'index behind the last descriptor that has been asked for'),
      head: add(
        'head',
        ring.transmit
          ? 'index behind the last one whose frame is in the switch'
          : 'index behind the last one that a frame has filled',
      ),
    };
    if (this.rings.areKnown) for (const signal of Object.values(signals)) waveform.set(signal, 0, 0);
    this.signals.set(path, signals);
    return signals;
  }
}

/** The index behind some descriptors; unknown where that may be the ring's end, and nobody knows where it is. */
function behind({ running }: LoggedRing, index: number, count: number): number {
  if (running === null) return VCD_UNKNOWN;
  return index + count === running ? 0 : index + count;
}
