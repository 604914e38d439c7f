import { fetchQueueOf, writeBackOf } from '../dma/index.ts';
import { MessageRouting, messageOf, TlpKind } from '../pcie/index.ts';
import { LogConfigurations } from './log-configurations.ts';
import { type LogStore, receiveClientOf, transmitClientOf } from './log-format.ts';
import type { BinaryLog } from './log-reader.ts';
import type { SingleTlp } from './tlp-cut.ts';
import type { TlpFrames } from './tlp-frames.ts';
import type { TlpFunctions } from './tlp-functions.ts';
import { isCompletion } from './tlp-kinds.ts';
import { TlpRefusals } from './tlp-refusals.ts';

/** What the registers of a card are called, for who has the tables of its data sheet. */
export interface TlpRegisterNames {
  /** The register at `offset` of a BAR of the PF or of a VF; null for one that has no name. */
  register(virtual: boolean, bar: number, offset: number): string | null;
  /** The registers of the configuration space that an access touches; null where none is known. */
  config(virtual: boolean, offset: number, bytes: number): string | null;
}

/** What is known beside the log itself; without it registers have offsets and frames have slots. */
export interface TlpPurposeOptions {
  readonly names?: TlpRegisterNames;
  readonly frames?: TlpFrames;
}

const STATUSES: Readonly<Record<number, string>> = {
  1: 'Unsupported Request',
  2: 'Configuration Request Retry Status',
  4: 'Completer Abort',
};

/** What becomes of those that are not received as they were sent. */
const RECEIVED: Readonly<Record<Exclude<SingleTlp['received'], 'good'>, string>> = {
  bad: 'wrong LCRC',
  unframed: 'framing error',
  discarded: 'discarded',
  duplicate: 'duplicate',
  lost: 'lost: the link went down',
  unknown: 'taken or not: the log begins within a replay',
};

/**
 * Says of TLPs what they are for.
 *
 * @example
 * const purposes = new TlpPurposes(log, { frames: new TlpFrames(log) });
 * for (const tlp of singleTlps(log)) console.log(purposes.of(tlp)); // transmit payload of frame 1
 */
export class TlpPurposes {
  /** The functions of the card, over time. */
  readonly configurations: LogConfigurations;
  private readonly store: LogStore | null;
  private readonly names: TlpRegisterNames | null;
  private readonly frames: TlpFrames | null;
  private readonly refusals: TlpRefusals;

  constructor(log: BinaryLog, { names, frames }: TlpPurposeOptions = {}) {
    this.configurations = new LogConfigurations(log);
    this.store = log.header.store;
    this.names = names ?? null;
    this.frames = frames ?? null;
    this.refusals = new TlpRefusals(log);
  }

  /** What a TLP is for, in words, on one line. */
  of(tlp: SingleTlp): string {
    const { word, status } = tlp;
    const { group, detail } = this.purposeOf(tlp);
    const value = word === null ? '' : ` = 0x${word.toString(16)}`;
    const outcome = status === 0 ? '' : `, ${STATUSES[status] ?? `status ${status}`}`;
    const prefix = isCompletion(tlp.kind) ? `completion${outcome}: ` : '';
    const marks = [
      ...(tlp.poisoned ? ['poisoned'] : []),
      ...(tlp.replayed ? ['sent again'] : []),
      ...(tlp.received === 'good' ? [] : [RECEIVED[tlp.received]]),
      this.refusals.of(tlp.train),
    ];
    return [`${prefix}${group}${detail}${value}`, ...marks.filter((mark) => mark !== null)].join(', ');
  }

  /** The same without what is special of this one: `transmit payload`, `register read`. Completions have that of their requests. */
  groupOf(tlp: SingleTlp): string {
    return this.purposeOf(tlp).group;
  }

  /** Routing ID of the card's function that a TLP has to do with, whoever sends it; null where it is not known. */
  functionOf(tlp: SingleTlp): number | null {
    if (tlp.downstream === isCompletion(tlp.kind)) return tlp.requester;
    if (isConfig(tlp)) return tlp.target;
    return this.functionsAt(tlp).placeOf(tlp.address)?.function ?? null;
  }

  /** That function as it is called: `VF 3`; null where it is not known, or none has the Routing ID. */
  functionNameOf(tlp: SingleTlp): string | null {
    const fn = this.functionOf(tlp);
    if (fn === null) return null;
    const functions = this.functionsAt(tlp);
    return isConfig(tlp) ? functions.nameOfTarget(fn, tlp.configType) : functions.nameOf(fn);
  }

  /** The functions of the card as they are when it is decided what a TLP is for. */
  functionsAt(tlp: SingleTlp): TlpFunctions {
    return this.configurations.at(tlp.decidedPs);
  }

  private purposeOf(tlp: SingleTlp): Purpose {
    // Requests of the device travel upstream, and their completions downstream.
    return tlp.downstream === isCompletion(tlp.kind) ? this.deviceRequest(tlp) : this.softwareRequest(tlp);
  }

  private softwareRequest(tlp: SingleTlp): Purpose {
    const { kind, address, bytes, target } = tlp;
    const asked = isCompletion(tlp.kind) ? tlp.answers : kind;
    if (asked === null) return { group: "software's request", detail: '' };
    const functions = this.functionsAt(tlp);
    if (isConfig(tlp)) {
      const name = this.names?.config(functions.isVirtual(target), address, Math.max(bytes, 1)) ?? null;
      return {
        group: asked === TlpKind.CONFIG_READ ? 'configuration read' : 'configuration write',
        detail: `, ${functions.describe(target, this.functionNameOf(tlp))} ${name ?? `register 0x${address.toString(16)}`}`,
      };
    }
    const group = asked === TlpKind.MEMORY_READ ? 'register read' : 'register write';
    const at = functions.placeOf(address);
    if (at === null) return { group, detail: functions.areKnown ? ', where no BAR is' : ', its BAR unknown' };
    const name = this.names?.register(at.virtual, at.bar, at.offset) ?? null;
    const register = name ?? `BAR ${at.bar} + 0x${at.offset.toString(16)}`;
    return { group, detail: `, ${functions.describe(at.function)} ${register}` };
  }

  private deviceRequest(tlp: SingleTlp): Purpose {
    const { store } = this;
    const { client, cookie, place } = tlp;
    if (tlp.kind === TlpKind.MESSAGE) {
      const message = messageOf(tlp.word ?? 0);
      const group = message?.routings[0] === MessageRouting.LOCAL ? 'INTx message' : 'error message';
      return { group, detail: `, ${message?.name ?? tlp.word}` };
    }
    if (client < 0) return { group: 'MSI-X message', detail: '' };
    const isReceive = client === receiveClientOf(store);
    const direction = isReceive
      ? 'receive'
      : client === transmitClientOf(store)
        ? 'transmit'
        : `client ${client}`;
    const fetched = fetchQueueOf(cookie);
    if (fetched >= 0) return { group: 'descriptor fetch', detail: ` of ${direction} queue ${fetched}` };
    const writeBack = isReceive ? writeBackOf(cookie) : null;
    if (writeBack !== null) {
      const { count, queue } = writeBack;
      return { group: 'descriptor write-back', detail: `, ${count} of receive queue ${queue}` };
    }
    const group = `${direction} payload`;
    if (store === null || place < 0 || place >= store.slots * store.slotBytes) {
      // Headers with other tags than they came with are made up beside the slots.
      return isReceive
        ? { group, detail: '' }
        : { group: 'descriptor write-back', detail: ` of ${direction}` };
    }
    const frame = this.frames?.frameOf(tlp.train) ?? 0;
    const slot = Math.floor(place / store.slotBytes);
    return { group, detail: frame > 0 ? `, frame ${frame}` : `, frame slot ${slot}` };
  }
}

/** What TLPs have in common that do the same, and what is special of one. */
interface Purpose {
  readonly group: string;
  readonly detail: string;
}

/** Whether a TLP is a configuration request, or answers one. */
function isConfig({ kind, answers }: SingleTlp): boolean {
  const asked = answers ?? kind;
  return asked === TlpKind.CONFIG_READ || asked === TlpKind.CONFIG_WRITE;
}
