/** What a receiver checks of a TLP before it asks what it is for (PCI Express Base 2.2, 2.3). */
export interface TlpCheckRow {
  /** Where the rule is, in PCI Express Base 4.0. */
  readonly section: string;
  /** What the rule says. */
  readonly rule: string;
  /** Whether a receiver may leave the check out. */
  readonly optional: boolean;
}

const row = (section: string, rule: string, optional = false): TlpCheckRow => ({ section, rule, optional });

/** Every check of {@link parseTlp}, by its name; a TLP that fails one is malformed. */
export const TLP_CHECKS = {
  header: row('2.3', 'a TLP is whole double words, and has all of its header'),
  type: row('2.2.1', 'Fmt and Type are a defined pair'),
  length: row('2.2.2', 'there is as much data as Length says'),
  digest: row('2.2.3', 'there is an ECRC if TD is set, and none if it is not'),
  maxPayload: row('2.2.2', 'data are not longer than Max_Payload_Size'),
  trafficClass: row('2.5.3', 'the Traffic Class is mapped to a Virtual Channel that is enabled'),
  prefixOrder: row('2.2.10', 'local prefixes come before End-End ones'),
  localPrefix: row('2.2.10.1', 'the receiver knows the local prefix'),
  endEndPrefix: row('2.2.10.2', 'there are no more End-End prefixes than the receiver supports'),
  byteEnables: row('2.2.5', 'byte enables name one range, but in one double word or an aligned pair', true),
  pageCrossing: row('2.2.7', 'a memory request does not cross a boundary of 4 KiB', true),
  addressFormat: row('2.2.4.1', 'an address below 4 GiB has the header of three double words', true),
  requestFields: row('2.2.7', 'I/O and configuration requests have TC 0, Attr 0 and Length 1', true),
  atomicOperand: row('2.2.7', 'the operands of an AtomicOp have a length that there is, and are aligned'),
  messageClass: row('2.2.8', 'messages of INTx, power, errors, Unlock and slot power have TC 0'),
  messageRouting: row('2.2.8', 'a message goes the way that its code has', true),
  completionLength: row('2.3.1.1', 'a completion brings no more than Byte Count says', true),
  readBoundary: row('2.3.1.1', 'all but the last completion end at the Read Completion Boundary', true),
} as const satisfies Readonly<Record<string, TlpCheckRow>>;

/** Name of a check: a key of {@link TLP_CHECKS}. */
export type TlpCheck = keyof typeof TLP_CHECKS;

/** The check that a TLP has failed. */
export interface TlpViolation {
  readonly check: TlpCheck;
  readonly section: string;
  /** The rule, and what is there instead. */
  readonly what: string;
}

/** Says that a TLP fails `check`, and what it has instead. */
export function violation(check: TlpCheck, found: string): TlpViolation {
  const { section, rule } = TLP_CHECKS[check];
  return { check, section, what: `${rule}; here ${found}` };
}
