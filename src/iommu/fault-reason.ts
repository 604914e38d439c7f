/** Why a request was refused: fault reasons of VT-d (7.2.1, non-recoverable faults of legacy-mode DMA remapping). */
export const FaultReason = {
  ROOT_NOT_PRESENT: 0x1,
  CONTEXT_NOT_PRESENT: 0x2,
  CONTEXT_INVALID: 0x3,
  BEYOND_ADDRESS_WIDTH: 0x4,
  WRITE_NOT_PERMITTED: 0x5,
  READ_NOT_PERMITTED: 0x6,
  PAGING_ENTRY_INACCESSIBLE: 0x7,
  ROOT_TABLE_INACCESSIBLE: 0x8,
  CONTEXT_TABLE_INACCESSIBLE: 0x9,
  ROOT_RESERVED: 0xa,
  CONTEXT_RESERVED: 0xb,
  PAGING_RESERVED: 0xc,
} as const;

/** One of {@link FaultReason}. */
export type FaultReason = (typeof FaultReason)[keyof typeof FaultReason];

/** What each reason means, in one phrase. */
export const FAULT_PHRASES: Readonly<Record<FaultReason, string>> = {
  [FaultReason.ROOT_NOT_PRESENT]: 'the root entry of the bus is not present',
  [FaultReason.CONTEXT_NOT_PRESENT]: 'the context entry of the function is not present',
  [FaultReason.CONTEXT_INVALID]: 'the context entry asks for something that is not supported',
  [FaultReason.BEYOND_ADDRESS_WIDTH]: 'the address is beyond the address width',
  [FaultReason.WRITE_NOT_PERMITTED]: 'the page may not be written',
  [FaultReason.READ_NOT_PERMITTED]: 'the page may not be read',
  [FaultReason.PAGING_ENTRY_INACCESSIBLE]: 'a paging entry points to a table that cannot be read',
  [FaultReason.ROOT_TABLE_INACCESSIBLE]: 'the root table cannot be read',
  [FaultReason.CONTEXT_TABLE_INACCESSIBLE]: 'the context table cannot be read',
  [FaultReason.ROOT_RESERVED]: 'the root entry sets reserved bits',
  [FaultReason.CONTEXT_RESERVED]: 'the context entry sets reserved bits',
  [FaultReason.PAGING_RESERVED]: 'a paging entry sets reserved bits',
};

/**
 * Reasons that come from a context entry or from what lies behind it. With FPD set in that entry they are not recorded;
 * the others always are.
 */
const QUALIFIED: readonly FaultReason[] = [
  FaultReason.CONTEXT_NOT_PRESENT,
  FaultReason.CONTEXT_INVALID,
  FaultReason.BEYOND_ADDRESS_WIDTH,
  FaultReason.WRITE_NOT_PERMITTED,
  FaultReason.READ_NOT_PERMITTED,
  FaultReason.PAGING_ENTRY_INACCESSIBLE,
  FaultReason.PAGING_RESERVED,
];

/** Whether FPD suppresses the record of a fault. */
export function isQualified(reason: FaultReason): boolean {
  return QUALIFIED.includes(reason);
}

/** The reason for which a page refuses an access. */
export function permissionReason(isWrite: boolean): FaultReason {
  return isWrite ? FaultReason.WRITE_NOT_PERMITTED : FaultReason.READ_NOT_PERMITTED;
}
