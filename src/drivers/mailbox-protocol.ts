/**
 * What the PF's driver and a VF's say to each other over the mailbox. Word 0 of a message: operation 15:0, information 23:16,
 * clear to send 29, failure 30, success 31.
 */

/** Operations. */
export const MailboxOperation = {
  /** The VF has reset itself; the reply carries its MAC address and the multicast filter type. */
  RESET: 1,
  SET_MAC: 2,
  /** Information: how many 16-bit hash values follow. */
  SET_MULTICAST: 3,
  /** Information: 1 adds, 0 removes; word 1: the VLAN. */
  SET_VLAN: 4,
  NEGOTIATE_API: 8,
  GET_QUEUES: 9,
} as const;

/** Flags of word 0. */
export const CLEAR_TO_SEND = 1 << 29;
export const FAILURE = 1 << 30;
export const SUCCESS = 1 << 31;
export const INFORMATION_SHIFT = 16;

/** API versions as NEGOTIATE_API numbers them. */
export const ApiVersion = { V1_0: 0, V2_0: 1, V1_1: 2, V1_2: 3, V1_3: 4 } as const;

/** The 12 bits of a group address that index the multicast hash table with MO = 0: its bits 47:36 (82599 7.1.1.2). */
export function multicastHash(mac: number): number {
  const fifth = Math.floor(mac / 256) & 0xff;
  const sixth = mac & 0xff;
  return (fifth >> 4) | (sixth << 4);
}
