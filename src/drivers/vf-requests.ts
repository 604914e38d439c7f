import { SoftwareError } from '../host/index.ts';
import { macHighWord, macLowWord } from '../wire/index.ts';
import { FurtherOperation, FurtherVersion } from './further-protocol.ts';
import type { IxgbevfDriver } from './ixgbevf.ts';
import { INFORMATION_SHIFT, MailboxOperation } from './mailbox-protocol.ts';

/** Words of the replies, and entries of the redirection table in each. */
const RETA_WORDS = 8;
const ENTRIES = 16;
const KEY_WORDS = 10;

/** Agrees with the PF on the newest version of the API that it knows: one of `FurtherVersion`, 1.5 at most. */
export function negotiateApi(driver: IxgbevfDriver): number {
  for (let version: number = FurtherVersion.V1_5; version > FurtherVersion.V1_0; version--) {
    if (version === FurtherVersion.V2_0) continue;
    try {
      driver.request([MailboxOperation.NEGOTIATE_API, version], 1);
      return version;
    } catch (error) {
      if (!(error instanceof SoftwareError)) throw error;
    }
  }
  return FurtherVersion.V1_0;
}

/** Asks for `mac` as a VF's address. @throws SoftwareError if the PF refuses: without trust, another than it gave. */
export function requestMac(driver: IxgbevfDriver, mac: number): void {
  driver.request([MailboxOperation.SET_MAC, macLowWord(mac), macHighWord(mac)], 1);
  driver.mac = mac;
}

/**
 * Asks for these further addresses, instead of those asked for before. @throws SoftwareError if the PF refuses one: without
 * trust, any.
 */
export function requestFurtherMacs(driver: IxgbevfDriver, macs: readonly number[]): void {
  driver.request([MailboxOperation.SET_MACVLAN], 1);
  macs.forEach((mac, i) => {
    const operation = MailboxOperation.SET_MACVLAN | ((i + 1) << INFORMATION_SHIFT);
    driver.request([operation, macLowWord(mac), macHighWord(mac)], 1);
  });
}

/** Asks for one of `XcastMode`, and returns what the PF grants. @throws SoftwareError if it refuses. */
export function requestXcastMode(driver: IxgbevfDriver, mode: number): number {
  return driver.request([MailboxOperation.UPDATE_XCAST_MODE, mode], 2)[1];
}

/** Tells the PF of a VF's longest frame, with check sequence. @throws SoftwareError if it is longer than the PF's. */
export function requestMaxFrame(driver: IxgbevfDriver, bytes: number): void {
  driver.request([FurtherOperation.SET_LPE, bytes], 1);
}

/** Whether the administrator lets a VF have a link. @throws SoftwareError before API 1.2. */
export function requestLinkState(driver: IxgbevfDriver): boolean {
  return driver.request([FurtherOperation.GET_LINK_STATE], 2)[1] !== 0;
}

/**
 * The 128 entries of the PF's RSS redirection table as they are for a VF's queues.
 *
 * @throws SoftwareError before API 1.2, or if the VF may not ask for it.
 */
export function requestRedirectionTable(driver: IxgbevfDriver): number[] {
  const [, ...words] = driver.request([FurtherOperation.GET_RETA], 1 + RETA_WORDS);
  return words.flatMap((word) => Array.from({ length: ENTRIES }, (_, i) => (word >>> (2 * i)) & 3));
}

/** The 40 bytes of the PF's RSS key. @throws SoftwareError as {@link requestRedirectionTable}. */
export function requestRssKey(driver: IxgbevfDriver): Uint8Array {
  const [, ...words] = driver.request([FurtherOperation.GET_RSS_KEY], 1 + KEY_WORDS);
  return Uint8Array.from({ length: 4 * KEY_WORDS }, (_, i) => words[i >> 2] >>> (8 * (i & 3)));
}
