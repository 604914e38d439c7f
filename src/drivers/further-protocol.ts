import { ApiVersion } from './mailbox-protocol.ts';

/** Operations of the mailbox that came later than those of `MailboxOperation`. */
export const FurtherOperation = {
  /** Word 1: the longest frame, with check sequence. */
  SET_LPE: 5,
  /** The reply has the PF's redirection table, two bits an entry, in eight words; */
  GET_RETA: 10,
  /** or its RSS key, in ten. */
  GET_RSS_KEY: 11,
  /** Word 1 of the reply: 1 if the administrator lets the VF have a link. */
  GET_LINK_STATE: 16,
  /** From the PF, and without clear to send: the VF has to reset itself. */
  PF_CONTROL: 0x100,
} as const;

/** Versions of the API that came later than those of `ApiVersion`, and those. */
export const FurtherVersion = { ...ApiVersion, V1_4: 5, V1_5: 6 } as const;
