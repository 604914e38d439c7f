import { checkInteger, checkKeys, checkPowerOfTwo } from '../../base/index.ts';
import { AER_CONTROL } from '../capabilities/aer.ts';
import { UncorrectableError } from '../capabilities/aer-errors.ts';
import { ECAP_AER } from '../capabilities/ids.ts';
import type { ConfigType } from '../config-access.ts';
import type { Endpoint } from '../endpoint.ts';
import { reportToAll } from '../error-report.ts';
import type { PcieFunction } from '../function.ts';
import { STATUS, STATUS_DETECTED_PARITY_ERROR, STATUS_SIGNALED_TARGET_ABORT } from '../header.ts';
import { busOf } from '../routing-id.ts';
import { CompletionStatus } from '../tlp.ts';
import { completionOf, completionsOf, registerCompletion } from './completions.ts';
import type { Dllp } from './dllp.ts';
import { type CreditFlowControl, creditsOfTlp } from './flow-control.ts';
import { messageOf } from './messages.ts';
import { OutstandingReads } from './outstanding-reads.ts';
import { isPrefix } from './prefix.ts';
import type { TlpViolation } from './tlp-checks.ts';
import { wordAt } from './tlp-fields.ts';
import { FMT_4DW } from './tlp-formats.ts';
import type { TlpReceiverSettings } from './tlp-limits.ts';
import {
  type CompletionTlp,
  type ConfigTlp,
  isCompletionTlp,
  isMemoryTlp,
  isNonPosted,
  type MemoryReadTlp,
  type MemoryWriteTlp,
  type TlpPacket,
} from './tlp-types.ts';
import { TlpView } from './tlp-view.ts';

/**
 * What has become of a TLP: done, taken without effect, to be sent again as the function is not ready, or the error that it
 * is, by its name in AER.
 */
export type ReceptionOutcome =
  | 'accepted'
  | 'ignored'
  | 'configRetry'
  | 'malformedTlp'
  | 'ecrc'
  | 'poisonedTlp'
  | 'unsupportedRequest'
  | 'completerAbort'
  | 'unexpectedCompletion'
  | 'receiverOverflow'
  | 'flowControlProtocol';

/** What an {@link EndpointReceiver} has made of bytes. */
export interface Reception {
  readonly outcome: ReceptionOutcome;
  /** Null for one that is malformed, or for which there was no room. */
  readonly tlp: TlpPacket | null;
  readonly violation: TlpViolation | null;
  /** What goes back: completions of a non-posted request. */
  readonly completions: readonly CompletionTlp[];
}

/** How an {@link EndpointReceiver} is made. */
export interface EndpointReceiverOptions extends TlpReceiverSettings {
  /** Double words of a memory request that the device takes; longer ones end with Completer Abort. Default 1,024. */
  readonly maxAccessWords?: number;
  /** Multiples of which its own completions end at: 64 or 128. Default 128. */
  readonly completionBoundary?: number;
  /** Its end of flow control; default none: there is room for all that comes. Who takes TLPs away releases their buffers. */
  readonly flowControl?: CreditFlowControl;
}

const OPTIONS: Readonly<Record<keyof EndpointReceiverOptions, true>> = {
  maxPayloadBytes: true,
  trafficClasses: true,
  readCompletionBoundary: true,
  localPrefixes: true,
  maxEndEndPrefixes: true,
  end: true,
  without: true,
  maxAccessWords: true,
  completionBoundary: true,
  flowControl: true,
};

/** Messages that an endpoint takes, and those that it drops without an error (2.2.8). */
const TAKEN = new Set(['Unlock', 'PM_Active_State_Nak', 'PME_Turn_Off', 'Set_Slot_Power_Limit', 'OBFF']);
const IGNORED = new Set(['Ignored', 'Vendor_Defined Type 1']);
/** ECRC Check Enable of Advanced Error Capabilities and Control. */
const ECRC_CHECK = 1 << 8;
const NOTHING: readonly CompletionTlp[] = [];
const NO_BYTES = new Uint8Array(0);
/** Addresses from here on are no safe integers, and nobody's. */
const ADDRESSES = 2n ** 53n;

/**
 * The functions of a device behind a receiver of bytes: each TLP is checked, done or refused, and what is wrong is in
 * AER of the functions with its header, as the specification has it (PCI Express Base 2.3, 6.2.3). Bytes are the wire's:
 * nothing in them throws.
 *
 * @example
 * const receiver = new EndpointReceiver(new Endpoint({ functions: intel82599Config(), bus: 1 }));
 * receiver.receive(encodeTlp({ kind: 'CfgRd0', requester: 0, tag: 0, target: 0x0100, register: 0, firstEnables: 15,
 *   payload: new Uint8Array(0) })).completions[0].payload; // 86 80 fb 10
 */
export class EndpointReceiver {
  /** The reads that the device waits for: add those that it has sent. */
  readonly outstanding = new OutstandingReads();
  private readonly endpoint: Endpoint;
  private readonly view: TlpView;
  /** Whether Max_Payload_Size is what function 0 has been set to. */
  private readonly followsMaxPayload: boolean;
  private readonly maxAccessBytes: number;
  private readonly completionBoundary: number;
  private readonly flowControl: CreditFlowControl | null;

  /** @throws TypeError or RangeError for options out of range. */
  constructor(endpoint: Endpoint, options: EndpointReceiverOptions = {}) {
    const {
      maxAccessWords = 1024,
      completionBoundary = 128,
      flowControl = null,
      ...settings
    } = checkKeys<EndpointReceiverOptions>('options', options, OPTIONS);
    this.endpoint = endpoint;
    this.view = new TlpView({ end: 'device', ...settings });
    this.followsMaxPayload = settings.maxPayloadBytes === undefined;
    this.maxAccessBytes = 4 * checkInteger('maxAccessWords', maxAccessWords, 1, 1024);
    this.completionBoundary = checkPowerOfTwo('completionBoundary', completionBoundary, 64, 128);
    this.flowControl = flowControl;
  }

  /** Takes the bytes of a TLP, from the first prefix to the ECRC. */
  receive(bytes: Uint8Array): Reception {
    const { view, flowControl } = this;
    if (flowControl !== null && !flowControl.take(creditsOfTlp(bytes)))
      return this.error('receiverOverflow', null, NO_BYTES, null);
    const [first] = this.endpoint.functions;
    if (this.followsMaxPayload) view.maxPayloadBytes = first.maxPayloadBytes;
    view.look(bytes);
    const tlp = view.packet();
    // What comes first in this order hides what comes behind (6.2.3.2.3).
    if (view.ecrc === 'bad' && this.checksEcrc(first)) return this.error('ecrc', tlp, bytes, null);
    if (tlp === null) return this.error('malformedTlp', null, bytes, null);
    if (isCompletionTlp(tlp)) return this.completion(tlp, bytes);
    const { outcome, completions = NOTHING } = this.request(tlp);
    if (!isError(outcome)) return { outcome, tlp, violation: null, completions };
    const fn = this.addressed(tlp);
    const answers = isNonPosted(tlp);
    const status =
      outcome === 'completerAbort' ? CompletionStatus.COMPLETER_ABORT : CompletionStatus.UNSUPPORTED_REQUEST;
    const reply = answers ? [completionOf(tlp, (fn ?? first).routingId, status)] : NOTHING;
    // Advisory, as the completion tells the requester (6.2.3.2.4.1); not so what would have changed a register (2.7.2.2).
    return this.error(outcome, tlp, bytes, fn, answers && outcome !== 'poisonedTlp', reply);
  }

  /** Takes a DLLP of flow control; an error of it is in AER of all functions, as Flow Control Protocol Error. */
  receiveDllp(dllp: Dllp): 'accepted' | 'flowControlProtocol' {
    if (this.flowControl?.receive(dllp) !== false) return 'accepted';
    this.error('flowControlProtocol', null, NO_BYTES, null);
    return 'flowControlProtocol';
  }

  private completion(tlp: CompletionTlp, bytes: Uint8Array): Reception {
    const match = this.outstanding.take(tlp);
    const fn = this.endpoint.functionAt(tlp.requester);
    if (match === 'unexpected') return this.error('unexpectedCompletion', tlp, bytes, fn, true);
    if (match === 'mismatched') return this.error('malformedTlp', tlp, bytes, null);
    if (tlp.poisoned === true) return this.error('poisonedTlp', tlp, bytes, fn, true);
    return { outcome: 'accepted', tlp, violation: null, completions: NOTHING };
  }

  /** The function that a request is for, which alone notes what is wrong with it; null if none claims it (6.2.4). */
  private addressed(tlp: Exclude<TlpPacket, CompletionTlp>): PcieFunction | null {
    const { endpoint } = this;
    if (isMemoryTlp(tlp)) {
      const { address } = tlp;
      return address < ADDRESSES && endpoint.claim(Number(address)) ? endpoint.hitFunction : null;
    }
    switch (tlp.kind) {
      case 'IORd':
      case 'IOWr':
        return endpoint.claimIo(tlp.address) ? endpoint.hitFunction : null;
      case 'CfgRd0':
      case 'CfgWr0':
        return endpoint.functionAt((endpoint.bus << 8) | (tlp.target & 0xff));
      case 'CfgRd1':
      case 'CfgWr1':
        return busOf(tlp.target) === endpoint.bus ? null : endpoint.functionAt(tlp.target);
      default:
        return null;
    }
  }

  /** Poisoned data come last: a request that is refused anyhow is that alone (6.2.3.2.3). */
  private request(tlp: Exclude<TlpPacket, CompletionTlp>): Answer {
    switch (tlp.kind) {
      case 'MRd':
      case 'MWr':
        return this.memory(tlp);
      case 'IORd':
      case 'IOWr': {
        if (!this.endpoint.claimIo(tlp.address)) return UNSUPPORTED;
        if (isPoisoned(tlp)) return POISONED;
        const { hitFunction, hitBar, hitOffset } = this.endpoint;
        const fn = hitFunction as PcieFunction;
        const target = fn.bar(hitBar);
        const isRead = tlp.kind === 'IORd';
        if (!isRead) target.write32(hitOffset, littleWordAt(tlp.payload, 0), tlp.firstEnables);
        const { routingId } = fn;
        const reply = isRead
          ? registerCompletion(tlp, routingId, target.read32(hitOffset, 4))
          : completionOf(tlp, routingId, CompletionStatus.SUCCESSFUL);
        return { outcome: 'accepted', completions: [reply] };
      }
      case 'CfgRd0':
      case 'CfgWr0':
        return this.config(tlp, 0);
      case 'CfgRd1':
      case 'CfgWr1':
        return this.config(tlp, 1);
      case 'Msg':
      case 'MsgD': {
        const name = messageOf(tlp.code)?.name ?? '';
        const isTaken = TAKEN.has(name);
        if (!isTaken && !IGNORED.has(name)) return UNSUPPORTED;
        if (isPoisoned(tlp)) return POISONED;
        return { outcome: isTaken ? 'accepted' : 'ignored' };
      }
      default:
        // Locked reads are for legacy endpoints, AtomicOps for devices that complete them.
        return UNSUPPORTED;
    }
  }

  private config(tlp: ConfigTlp, type: ConfigType): Answer {
    const { target, register, firstEnables, payload } = tlp;
    const answer = (status: CompletionStatus) => [completionOf(tlp, target, status)];
    // Asked before, as a write makes the device take its bus number.
    const isBusy = this.endpoint.configRetry(target, type);
    if (isPoisoned(tlp) && !isBusy) return this.addressed(tlp) === null ? UNSUPPORTED : POISONED;
    if (tlp.kind === 'CfgRd0' || tlp.kind === 'CfgRd1') {
      const value = this.endpoint.configRead(target, register, 4, type);
      if (value >= 0) return { outcome: 'accepted', completions: [registerCompletion(tlp, target, value)] };
    } else if (
      this.endpoint.configWriteDword(target, register, littleWordAt(payload, 0), firstEnables, type)
    ) {
      return { outcome: 'accepted', completions: answer(CompletionStatus.SUCCESSFUL) };
    }
    if (!isBusy) return UNSUPPORTED;
    return { outcome: 'configRetry', completions: answer(CompletionStatus.CONFIG_RETRY) };
  }

  private memory(tlp: MemoryReadTlp | MemoryWriteTlp): Answer {
    const { address, addressType = 0 } = tlp;
    const isRead = tlp.kind !== 'MWr';
    const bytes = isRead ? 4 * tlp.words : tlp.payload.length;
    const { endpoint } = this;
    // Only the root complex is asked for translations, or told of translated addresses.
    if (addressType !== 0 || address >= ADDRESSES) return UNSUPPORTED;
    const from = Number(address);
    if (!endpoint.claim(from + bytes - 4)) return UNSUPPORTED;
    const { hitFunction: last, hitBar: lastBar } = endpoint;
    if (!endpoint.claim(from)) return UNSUPPORTED;
    const { hitBar, hitOffset } = endpoint;
    const fn = endpoint.hitFunction as PcieFunction;
    // One request does not go beyond a BAR, nor from VF to VF.
    if (fn !== last || hitBar !== lastBar) return UNSUPPORTED;
    if (bytes > this.maxAccessBytes) return { outcome: 'completerAbort' };
    if (isPoisoned(tlp)) return POISONED;
    const target = fn.bar(hitBar);
    if (!isRead) {
      for (let at = 0; at < bytes; at += 4) {
        const enables = at === 0 ? tlp.firstEnables : at === bytes - 4 ? tlp.lastEnables : 15;
        if (enables !== 0) target.write32(hitOffset + at, littleWordAt(tlp.payload, at), enables);
      }
      return { outcome: 'accepted' };
    }
    const data = new Uint8Array(bytes);
    const view = new DataView(data.buffer);
    for (let at = 0; at < bytes; at += 4) {
      const enables = at === 0 ? tlp.firstEnables : at === bytes - 4 ? tlp.lastEnables : 15;
      // What is not enabled is not read: reads of registers can have effects.
      if (enables !== 0) view.setUint32(at, target.read32(hitOffset + at, 4), true);
    }
    const { routingId, maxPayloadBytes } = fn;
    const completions = completionsOf(tlp, routingId, data, maxPayloadBytes, this.completionBoundary);
    return { outcome: 'accepted', completions };
  }

  private checksEcrc(fn: PcieFunction): boolean {
    const at = fn.findExtendedCapability(ECAP_AER);
    return at > 0 && (fn.config.read32(at + AER_CONTROL) & ECRC_CHECK) !== 0;
  }

  /** One function notes what is its own, all what is no single one's. @param bytes of the TLP, none if it has been discarded. */
  private error(
    outcome: ErrorOutcome,
    tlp: TlpPacket | null,
    bytes: Uint8Array,
    fn: PcieFunction | null,
    isAdvisory = false,
    completions = NOTHING,
  ): Reception {
    const functions = fn === null ? this.endpoint.functions : [fn];
    const status = STATUS_OF[outcome] ?? 0;
    for (const { config } of functions) config.poke16(STATUS, config.read16(STATUS) | status);
    reportToAll(functions, UncorrectableError[outcome], isAdvisory, headerOf(bytes));
    const violation = bytes === NO_BYTES ? null : this.view.violation;
    return { outcome, tlp, violation, completions };
  }
}

type ErrorOutcome = Exclude<ReceptionOutcome, 'accepted' | 'ignored' | 'configRetry'>;

function isError(outcome: ReceptionOutcome): outcome is ErrorOutcome {
  return outcome !== 'accepted' && outcome !== 'ignored' && outcome !== 'configRetry';
}

/** Bits of Status for what has one (7.5.1.2). */
const STATUS_OF: Readonly<Partial<Record<ErrorOutcome, number>>> = {
  completerAbort: STATUS_SIGNALED_TARGET_ABORT,
  poisonedTlp: STATUS_DETECTED_PARITY_ERROR,
};

interface Answer {
  readonly outcome: ReceptionOutcome;
  readonly completions?: readonly CompletionTlp[];
}
const UNSUPPORTED: Answer = { outcome: 'unsupportedRequest' };
const POISONED: Answer = { outcome: 'poisonedTlp' };

/** EP says something of data alone (2.7.2.2). */
function isPoisoned(tlp: TlpPacket): boolean {
  return tlp.poisoned === true && 'payload' in tlp && tlp.payload.length > 0;
}

/** The double words for the Header Log: those behind the prefixes, as many as there are of four. */
function headerOf(bytes: Uint8Array): readonly number[] {
  const count = bytes.length >> 2;
  let at = 0;
  while (at < count && isPrefix(bytes[4 * at])) at++;
  const isLong = at < count && (bytes[4 * at] & FMT_4DW) !== 0;
  const words: number[] = [];
  for (let i = at; i < Math.min(count, at + (isLong ? 4 : 3)); i++) words.push(wordAt(bytes, 4 * i) >>> 0);
  return words;
}

/** A double word of a payload, its first byte the least significant one. */
function littleWordAt(payload: Uint8Array, at: number): number {
  return (payload[at] | (payload[at + 1] << 8) | (payload[at + 2] << 16) | (payload[at + 3] << 24)) >>> 0;
}
