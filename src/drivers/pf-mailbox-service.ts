import type { BarWindow } from '../host/index.ts';
import { macHighWord, macLowWord } from '../wire/index.ts';
import {
  ApiVersion,
  CLEAR_TO_SEND,
  FAILURE,
  INFORMATION_SHIFT,
  MailboxOperation,
  SUCCESS,
} from './mailbox-protocol.ts';
import type { VfSettings } from './vf-settings.ts';

/** What the service may do for a VF. */
export interface MailboxPolicy {
  settings(vf: number): VfSettings;
  setVlan(vf: number, vlan: number, add: boolean): boolean;
  setMulticast(vf: number, hashes: readonly number[]): void;
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
const QUEUES_PER_POOL = 2;

/**
 * The PF driver's side of the mailbox: takes the messages of the VFs' drivers, does what the administrator
 * allows, and answers. Before a VF has reset itself every other message of its is refused.
 */
export class PfMailboxService {
  private readonly bar: BarWindow;
  private readonly policy: MailboxPolicy;
  private readonly clearToSend = new Set<number>();

  constructor(bar: BarWindow, policy: MailboxPolicy) {
    this.bar = bar;
    this.policy = policy;
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
    const memory = PFMBMEM + 4 * WORDS * vf;
    const message = Array.from({ length: WORDS }, (_, i) => bar.read32(memory + 4 * i));
    bar.write32(PFMAILBOX + 4 * vf, MBX_ACK);
    const reply = this.answer(vf, message);
    reply.forEach((word, i) => {
      bar.write32(memory + 4 * i, word >>> 0);
    });
    bar.write32(PFMAILBOX + 4 * vf, MBX_STS);
  }

  private answer(vf: number, message: readonly number[]): number[] {
    const operation = message[0] & 0xffff;
    const success = operation | SUCCESS | CLEAR_TO_SEND;
    const failure = operation | FAILURE | CLEAR_TO_SEND;
    const settings = this.policy.settings(vf);
    if (operation === MailboxOperation.RESET) {
      this.clearToSend.add(vf);
      if (settings.mac === 0) return [failure, 0, 0, 0];
      return [success, macLowWord(settings.mac), macHighWord(settings.mac), 0];
    }
    if (!this.clearToSend.has(vf)) return [operation | FAILURE];
    const information = (message[0] >>> INFORMATION_SHIFT) & 0xff;
    switch (operation) {
      case MailboxOperation.NEGOTIATE_API:
        return [message[1] <= ApiVersion.V1_3 && message[1] !== ApiVersion.V2_0 ? success : failure];
      case MailboxOperation.GET_QUEUES:
        return [success, QUEUES_PER_POOL, QUEUES_PER_POOL, settings.vlan === null ? 0 : 1, 0];
      case MailboxOperation.SET_VLAN: {
        const vlan = message[1] & 0xfff;
        if (settings.vlan !== null || !settings.trustedVlans.includes(vlan)) return [failure];
        return [this.policy.setVlan(vf, vlan, information === 1) ? success : failure];
      }
      case MailboxOperation.SET_MULTICAST: {
        const hashes = Array.from({ length: Math.min(information, 30) }, (_, i) => {
          return (message[1 + (i >> 1)] >>> (16 * (i & 1))) & 0xfff;
        });
        this.policy.setMulticast(vf, hashes);
        return [success];
      }
    }
    return [failure];
  }
}
