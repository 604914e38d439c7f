import { ProbeKind } from '../../kernel/index.ts';
import type { BinaryLog, LogRecord, Waveform, WaveformSignal } from '../../trace/index.ts';
import { type LogNames, PF } from './log-names.ts';
import { ScopeNames } from './scope-names.ts';
import { wireSpan } from './wire-span.ts';

/** Causes have numbers below 64. */
const CAUSE_BITS = 6;
/** More walkers than any profile has. */
const WALK_BITS = 8;
const BYTE_BITS = 24;

/** Signals of what is in the card: frames in the switch, levels of buffers, walks under way, the port, interrupts. */
export class CardSignals {
  private readonly waveform: Waveform;
  private readonly frames: WaveformSignal;
  private readonly slots: WaveformSignal;
  private readonly receive: WaveformSignal;
  private readonly transmit: WaveformSignal;
  private readonly walks: WaveformSignal;
  private readonly port: WaveformSignal;
  private readonly names: LogNames;
  private readonly scopes: ScopeNames;
  private readonly interrupts: { readonly event: WaveformSignal; readonly cause: WaveformSignal }[] = [];
  private readonly inSwitch = new Set<number>();
  /** The frame that a copy was made of, by their slots. */
  private readonly originals = new Map<number, number>();
  /** Whether it is known what is in the switch: always, or once no frame has been anywhere in the card. */
  private isSwitchKnown: boolean;
  private walksUnderWay = 0;
  private readonly linkGbps: number;
  private portFreePs = 0;

  constructor(waveform: Waveform, names: LogNames) {
    this.waveform = waveform;
    this.linkGbps = names.scenario.nic.linkGbps;
    const slotBits = 32 - Math.clz32(names.store.slots);
    this.frames = waveform.signal('switch.frames', slotBits, 'frames on which the switch has not decided');
    this.slots = waveform.signal('buffers.slots', slotBits, 'frame slots in use');
    this.receive = waveform.signal('buffers.receive', BYTE_BITS, 'bytes in the receive packet buffer');
    this.transmit = waveform.signal('buffers.transmit', BYTE_BITS, 'bytes in the transmit packet buffer');
    this.walks = waveform.signal('iommu.walks', WALK_BITS, 'page walks under way');
    this.port = waveform.signal('port.busy', 1, 'symbols of a frame leave for the wire');
    this.names = names;
    this.isSwitchKnown = names.isFromPowerOn;
    if (!names.isFromPowerOn) this.recallWalks(names.log);
    const functions = Array.from({ length: 1 + names.scenario.nic.vfs }, (_, fn) => names.functionName(fn));
    this.scopes = new ScopeNames(functions);
    for (const fn of functions.keys()) this.interruptsOf(fn);
    if (!names.isFromPowerOn) return;
    for (const signal of [this.frames, this.slots, this.receive, this.transmit, this.walks, this.port])
      waveform.set(signal, 0, 0);
  }

  /** Takes the next record of a log. */
  add(record: LogRecord): void {
    const { timePs, kind, a, b, c } = record;
    const { waveform } = this;
    switch (kind) {
      case ProbeKind.FRAME_IN:
        this.originals.delete(a);
        this.inSwitch.add(a);
        this.switchChanged(timePs);
        break;
      case ProbeKind.FRAME_COPIED:
        this.originals.set(a, b);
        break;
      case ProbeKind.FRAME_OUT:
      case ProbeKind.FRAME_DROPPED:
        if (this.inSwitch.delete(this.originals.get(a) ?? a)) this.switchChanged(timePs);
        break;
      case ProbeKind.BUFFER_LEVEL:
        waveform.set(this.receive, timePs, a);
        waveform.set(this.transmit, timePs, b);
        waveform.set(this.slots, timePs, c);
        if (c === 0 && !this.isSwitchKnown) {
          this.isSwitchKnown = true;
          this.inSwitch.clear();
          this.switchChanged(timePs);
        }
        break;
      case ProbeKind.PAGE_WALK:
        waveform.set(this.walks, timePs, ++this.walksUnderWay);
        break;
      case ProbeKind.PAGE_WALK_END:
        this.walksUnderWay = Math.max(0, this.walksUnderWay - 1);
        waveform.set(this.walks, timePs, this.walksUnderWay);
        break;
      case ProbeKind.WIRE_SENT:
        this.sends(record);
        break;
      case ProbeKind.INTERRUPT:
        this.interrupt(timePs, a, b);
        break;
    }
  }

  private switchChanged(timePs: number): void {
    if (this.isSwitchKnown) this.waveform.set(this.frames, timePs, this.inSwitch.size);
  }

  /** Walks that end in the log and have begun before it were under way when it begins. */
  private recallWalks(log: BinaryLog): void {
    const begun = new Set<string>();
    for (const { kind, a, b } of log.recordsOf(ProbeKind.PAGE_WALK, ProbeKind.PAGE_WALK_END)) {
      if (kind === ProbeKind.PAGE_WALK) begun.add(`${a} ${b}`);
      else if (!begun.delete(`${a} ${b}`)) this.walksUnderWay++;
    }
  }

  private sends(record: LogRecord): void {
    const { startPs, endPs } = wireSpan(record, this.linkGbps);
    this.waveform.set(this.port, Math.max(startPs, this.portFreePs), 1);
    this.waveform.set(this.port, endPs, 0);
    this.portFreePs = endPs;
  }

  private interrupt(timePs: number, fn: number, cause: number): void {
    const own = this.interruptsOf(fn);
    this.waveform.set(own.event, timePs, 1);
    this.waveform.set(own.cause, timePs, cause);
  }

  private interruptsOf(fn: number) {
    const { waveform } = this;
    const scope = `interrupts.${this.scopes.of(this.names.functionName(fn))}`;
    const whose = fn === PF ? 'the PF' : `VF ${fn - 1}`;
    this.interrupts[fn] ??= {
      event: waveform.signal(`${scope}.message`, 1, `an interrupt message of ${whose} leaves`, 'event'),
      cause: waveform.signal(`${scope}.cause`, CAUSE_BITS, 'cause of the last message'),
    };
    return this.interrupts[fn];
  }
}
