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
  /** Information: 0 takes all further addresses away, 1 replaces them by the one that follows, others add it. */
  SET_MACVLAN: 6,
  NEGOTIATE_API: 8,
  GET_QUEUES: 9,
  /** Word 1: one of {@link XcastMode}; so in the reply, which may be less than was asked for. */
  UPDATE_XCAST_MODE: 12,
} as const;

/** Flags of word 0. */
export const CLEAR_TO_SEND = 1 << 29;
export const FAILURE = 1 << 30;
export const SUCCESS = 1 << 31;
export const INFORMATION_SHIFT = 16;

/** What a VF receives beside its own addresses: nothing, groups it asked for, all groups, everything. */
export const XcastMode = { NONE: 0, MULTI: 1, ALLMULTI: 2, PROMISC: 3 } as const;

/** API versions as NEGOTIATE_API numbers them. */
export const ApiVersion = { V1_0: 0, V2_0: 1, V1_1: 2, V1_2: 3, V1_3: 4 } as const;

/** The 12 bits of a group address that index the multicast hash table with MO = 0: its bits 47:36 (82599 7.1.1.2). */
export function multicastHash(mac: number): number {
  const fifth = Math.floor(mac / 256) & 0xff;
  const sixth = mac & 0xff;
  return (fifth >> 4) | (sixth << 4);
}
