import type { BarWindow } from '../host/index.ts';
import { type Refusal, RefusalCounts } from '../nicswitch/index.ts';
import { isMulticast, macHighWord, macLowWord, macOfWords } from '../wire/index.ts';
import { QUEUES_PER_POOL } from './ixgbe-registers.ts';
import {
  ApiVersion,
  CLEAR_TO_SEND,
  FAILURE,
  INFORMATION_SHIFT,
  MailboxOperation,
  SUCCESS,
  XcastMode,
} from './mailbox-protocol.ts';
import type { VfSettings } from './vf-settings.ts';

/** What the service may do for a VF. */
export interface MailboxPolicy {
  settings(vf: number): VfSettings;
  setVlan(vf: number, vlan: number, add: boolean): boolean;
  setMulticast(vf: number, hashes: readonly number[]): void;
  /** Another address instead of the one that the administrator has set, until it resets itself. */
  setMac(vf: number, mac: number): void;
  /** A further address; false if the filters are used up. */
  addMac(vf: number, mac: number): boolean;
  clearMacs(vf: number): void;
  /** One of XcastMode that an 82599 has. */
  setReceiveMode(vf: number, mode: number): void;
  /** It has reset itself: what it asked for is void. */
  resetVf(vf: number): void;
}

/** Answers messages that the service does not know itself. */
export interface FurtherMessages {
  /** VFs have been made, or there are none any more: what was said of those before is void. */
  begin(): void;
  /** It has reset itself. */
  reset(vf: number): void;
  /** Whether a message is granted, or the words behind that it is; null: the service answers. `wanted` is its word 1. */
  answer(vf: number, operation: number, wanted: number): boolean | number[] | null;
}

// PF side of the mailboxes (82599 datasheet 8.2.3.27.2, 8.2.3.27.3, 8.2.3.5.20).
const PFMBICR = 0x0710;
const PFVFLRE = 0x0600;
const PFVFLREC = 0x0700;
const PFMAILBOX = 0x4b00;
const PFMBMEM = 0x13000;
const MBX_STS = 1 << 0;
const MBX_ACK = 1 << 1;
const WORDS = 16;
/** Operation and information of a message. */
const ASKED = 0xff_ffff;

/**
 * The PF driver's side of the mailbox: takes the messages of the VFs' drivers, does what the administrator
 * allows, and answers. Before a VF has reset itself every other message of its is refused.
 */
export class PfMailboxService {
  private readonly bar: BarWindow;
  private readonly policy: MailboxPolicy;
  further: FurtherMessages | null = null;
  /** VFs that have reset themselves. @internal */
  readonly clearToSend = new Set<number>();
  private readonly refused = new Map<number, RefusalCounts>();

  constructor(bar: BarWindow, policy: MailboxPolicy) {
    this.bar = bar;
    this.policy = policy;
  }

  /** What a VF's driver was refused, by reason. */
  refusals(vf: number): Record<Refusal, number> {
    return (this.refused.get(vf) ?? new RefusalCounts()).byReason();
  }

  /** Serves what has come in from the first `vfs` VFs. */
  serve(vfs: number): void {
    const bar = this.bar;
    for (let word = 0; word < 2; word++) {
      const reset = bar.read32(PFVFLRE + 4 * word);
      if (reset === 0) continue;
      bar.write32(PFVFLREC + 4 * word, reset);
      for (let i = 0; i < 32; i++) if (((reset >>> i) & 1) !== 0) this.clearToSend.delete(32 * word + i);
    }
    for (let index = 0; 16 * index < vfs; index++) {
      const causes = bar.read32(PFMBICR + 4 * index);
      if (causes === 0) continue;
      bar.write32(PFMBICR + 4 * index, causes);
      for (let i = 0; i < 16 && 16 * index + i < vfs; i++) {
        if (((causes >>> i) & 1) !== 0) this.serveVf(16 * index + i);
      }
    }
  }

  private serveVf(vf: number): void {
    const bar = this.bar;
    const message = Array.from({ length: WORDS }, (_, i) => bar.read32(PFMBMEM + 4 * (WORDS * vf + i)));
    bar.write32(PFMAILBOX + 4 * vf, MBX_ACK);
    // What is an answer itself needs none.
    if ((message[0] & (SUCCESS | FAILURE)) === 0) this.send(vf, this.answer(vf, message));
  }

  /** Sends a VF a message. */
  send(vf: number, message: readonly number[]): void {
    message.forEach((word, i) => {
      this.bar.write32(PFMBMEM + 4 * (WORDS * vf + i), word >>> 0);
    });
    this.bar.write32(PFMAILBOX + 4 * vf, MBX_STS);
  }

  private answer(vf: number, message: readonly number[]): number[] {
    const asked = message[0] & ASKED;
    if (asked === MailboxOperation.RESET) {
      const { mac } = this.policy.settings(vf);
      this.clearToSend.add(vf);
      this.further?.reset(vf);
      this.policy.resetVf(vf);
      return [asked | (mac === 0 ? FAILURE : SUCCESS), macLowWord(mac), macHighWord(mac), 0];
    }
    if (!this.clearToSend.has(vf)) return [asked | FAILURE];
    const operation = asked & 0xffff;
    const answer =
      this.further?.answer(vf, operation, message[1]) ??
      this.answerClear(vf, operation, asked >> INFORMATION_SHIFT, message);
    const verdict = asked | CLEAR_TO_SEND;
    if (typeof answer === 'boolean') return [verdict | (answer ? SUCCESS : FAILURE)];
    return [verdict | SUCCESS, ...answer];
  }

  /** Whether it is granted, or the words behind that it is; what takes trust is as Linux's ixgbe has it. */
  private answerClear(
    vf: number,
    operation: number,
    information: number,
    message: readonly number[],
  ): boolean | number[] {
    const { policy } = this;
    const { vlan, trusted } = policy.settings(vf);
    const wanted = message[1];
    const mac = macOfWords(wanted, message[2]);
    switch (operation) {
      case MailboxOperation.NEGOTIATE_API:
        return wanted <= ApiVersion.V1_3 && wanted !== ApiVersion.V2_0;
      case MailboxOperation.GET_QUEUES:
        return [QUEUES_PER_POOL, QUEUES_PER_POOL, vlan === null ? 0 : 1, 0];
      case MailboxOperation.SET_VLAN:
        return this.verdict(vf, this.setVlan(vf, wanted & 0xfff, information === 1));
      case MailboxOperation.SET_MULTICAST:
        policy.setMulticast(
          vf,
          Array.from({ length: Math.min(information, 30) }, (_, i) => {
            return (message[1 + (i >> 1)] >>> (16 * (i & 1))) & 0xfff;
          }),
        );
        return true;
      case MailboxOperation.SET_MAC:
        return this.verdict(vf, this.setMac(vf, mac));
      case MailboxOperation.SET_MACVLAN:
        return this.verdict(vf, this.setMacvlan(vf, mac, information));
      case MailboxOperation.UPDATE_XCAST_MODE: {
        if (wanted > XcastMode.PROMISC) return false;
        const isRefused = wanted > XcastMode.MULTI && !trusted;
        if (isRefused) this.verdict(vf, 'notTrusted');
        const mode = isRefused ? XcastMode.MULTI : wanted;
        // The 82599's pools cannot be promiscuous.
        if (mode === XcastMode.PROMISC) return false;
        policy.setReceiveMode(vf, mode);
        return [mode];
      }
    }
    return false;
  }

  private setVlan(vf: number, vlan: number, add: boolean): Refusal | null {
    const settings = this.policy.settings(vf);
    if (settings.vlan !== null) return 'portVlan';
    // It is in VLAN 0 as long as it has no port VLAN.
    if (vlan === 0) return null;
    if (!settings.trustedVlans.includes(vlan)) return 'vlanNotAllowed';
    return this.policy.setVlan(vf, vlan, add) ? null : 'cardFilters';
  }

  private setMac(vf: number, mac: number): Refusal | null {
    const settings = this.policy.settings(vf);
    if (mac === 0 || isMulticast(mac)) return 'invalidMac';
    if (settings.mac !== 0 && !settings.trusted && mac !== settings.mac) return 'notTrusted';
    this.policy.setMac(vf, mac);
    return null;
  }

  private setMacvlan(vf: number, mac: number, index: number): Refusal | null {
    const settings = this.policy.settings(vf);
    if (index > 0 && settings.mac !== 0 && !settings.trusted) return 'notTrusted';
    if (index > 0 && (mac === 0 || isMulticast(mac))) return 'invalidMac';
    if (index <= 1) this.policy.clearMacs(vf);
    return index === 0 || this.policy.addMac(vf, mac) ? null : 'cardFilters';
  }

  /** Counts a refusal; returns whether there was none. */
  private verdict(vf: number, refusal: Refusal | null): boolean {
    if (refusal === null) return true;
    let counts = this.refused.get(vf);
    if (counts === undefined) {
      counts = new RefusalCounts();
      this.refused.set(vf, counts);
    }
    counts.count(refusal);
    return false;
  }
}
