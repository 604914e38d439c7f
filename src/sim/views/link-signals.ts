import { flowClassOf } from '../../pcie/index.ts';
import {
  type BinaryLog,
  LinkStates,
  type LogTrain,
  VCD_HIGH_IMPEDANCE,
  VCD_UNKNOWN,
  type Waveform,
  type WaveformSignal,
} from '../../trace/index.ts';
import { linkTlps } from './link-tlps.ts';

const CLASSES = ['posted', 'nonposted', 'completion'];
/** As wide as the fields of InitFC and UpdateFC. */
const HEADER_BITS = 8;
const DATA_BITS = 12;
const DIRECTIONS = ['upstream', 'downstream'];

/** Signals of both directions of the link: what its symbols carry, and the credits that each train has left. */
export class LinkSignals {
  private readonly waveform: Waveform;
  /** Those of classes whose credits have an end, by path. */
  private readonly credits = new Map<string, WaveformSignal>();

  constructor(waveform: Waveform, log: BinaryLog, isFromPowerOn: boolean) {
    this.waveform = waveform;
    const { areKnown, downTimes } = new LinkStates(log);
    if (areKnown) {
      const up = waveform.signal('link.up', 1, 'the link is up');
      const startPs = log.header.startPs ?? 0;
      if (isFromPowerOn || downTimes.length > 0) waveform.set(up, startPs, 1);
      for (const { downPs, upPs } of downTimes) {
        waveform.set(up, Math.max(downPs, startPs), 0);
        if (upPs < Number.POSITIVE_INFINITY) waveform.set(up, upPs, 1);
      }
    }
    for (const name of DIRECTIONS) {
      const scope = `link.${name}`;
      const busy = waveform.signal(`${scope}.busy`, 1, 'symbols of a TLP leave');
      const type = waveform.signal(`${scope}.type`, 3, 'type of that TLP');
      const sequence = waveform.signal(`${scope}.sequence`, 12, 'its sequence number');
      // In front of the first record that is left, symbols of a TLP may leave that is lost.
      if (isFromPowerOn)
        for (const signal of [busy, type, sequence])
          waveform.set(signal, 0, signal === busy ? 0 : VCD_HIGH_IMPEDANCE);
      for (const tlp of linkTlps(log)) {
        if (tlp.downstream !== (name === 'downstream')) continue;
        waveform.set(busy, tlp.startPs, 1);
        waveform.set(type, tlp.startPs, tlp.kind);
        waveform.set(sequence, tlp.startPs, tlp.sequence);
        waveform.set(busy, tlp.endPs, 0);
        waveform.set(type, tlp.endPs, VCD_HIGH_IMPEDANCE);
        waveform.set(sequence, tlp.endPs, VCD_HIGH_IMPEDANCE);
      }
    }
  }

  /** Takes the next train of a log. */
  addTrain({ timePs, downstream, kind, headerCredits, dataCredits }: LogTrain): void {
    const ofClass = CLASSES[flowClassOf(kind)];
    const scope = `link.${DIRECTIONS[downstream ? 1 : 0]}.${ofClass}`;
    this.setCredits(`${scope}_headers`, HEADER_BITS, timePs, headerCredits);
    this.setCredits(`${scope}_data`, DATA_BITS, timePs, dataCredits);
  }

  /** The link goes down, or is up again: what credits there are is known with the next train. */
  restart(timePs: number): void {
    for (const signal of this.credits.values()) this.waveform.set(signal, timePs, VCD_UNKNOWN);
  }

  private setCredits(path: string, bits: number, timePs: number, credits: number): void {
    if (credits === Number.POSITIVE_INFINITY) return;
    let signal = this.credits.get(path);
    if (signal === undefined) {
      const units = bits === HEADER_BITS ? 'headers' : 'units of 16 bytes';
      signal = this.waveform.signal(
        path,
        bits,
        `credits for ${units} that the last train of the class has left`,
      );
      this.credits.set(path, signal);
    }
    this.waveform.set(signal, timePs, credits);
  }
}
