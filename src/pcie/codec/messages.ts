import { MessageRouting } from './tlp-types.ts';

/** A message that the specification defines. */
export interface MessageRow {
  readonly name: string;
  readonly code: number;
  /** Values of r[2:0] that it may have. */
  readonly routings: readonly number[];
  /** Whether it must have Traffic Class 0. */
  readonly classZero: boolean;
  /** Which way it goes on a link; null for both. */
  readonly towards: 'root' | 'device' | null;
}

const { TO_ROOT, BY_ID, BROADCAST, LOCAL, GATHERED } = MessageRouting;
const row = (
  name: string,
  code: number,
  routings: readonly number[],
  classZero: boolean,
  towards: MessageRow['towards'],
): MessageRow => ({ name, code, routings, classZero, towards });

/** Messages of PCI Express Base 2.2.8, with those of ATS. */
export const MESSAGES: readonly MessageRow[] = [
  row('Unlock', 0x00, [BROADCAST], true, 'device'),
  row('Invalidate Request', 0x01, [BY_ID], false, 'device'),
  row('Invalidate Completion', 0x02, [BY_ID], false, 'root'),
  row('Page Request', 0x04, [TO_ROOT], false, 'root'),
  row('PRG Response', 0x05, [BY_ID], false, 'device'),
  row('LTR', 0x10, [LOCAL], true, 'root'),
  row('OBFF', 0x12, [LOCAL], true, 'device'),
  row('PM_Active_State_Nak', 0x14, [LOCAL], true, 'device'),
  row('PM_PME', 0x18, [TO_ROOT], true, 'root'),
  row('PME_Turn_Off', 0x19, [BROADCAST], true, 'device'),
  row('PME_TO_Ack', 0x1b, [GATHERED], true, 'root'),
  ...['A', 'B', 'C', 'D'].map((pin, i) => row(`Assert_INT${pin}`, 0x20 + i, [LOCAL], true, 'root')),
  ...['A', 'B', 'C', 'D'].map((pin, i) => row(`Deassert_INT${pin}`, 0x24 + i, [LOCAL], true, 'root')),
  row('ERR_COR', 0x30, [TO_ROOT], true, 'root'),
  row('ERR_NONFATAL', 0x31, [TO_ROOT], true, 'root'),
  row('ERR_FATAL', 0x33, [TO_ROOT], true, 'root'),
  // Messages that hot plug had before 1.1: a receiver takes them and does nothing.
  ...[0x40, 0x41, 0x43, 0x44, 0x45, 0x47, 0x48].map((code) => row('Ignored', code, [LOCAL], false, null)),
  row('Set_Slot_Power_Limit', 0x50, [LOCAL], true, 'device'),
  row('PTM Request', 0x52, [LOCAL], true, 'root'),
  row('PTM Response', 0x53, [LOCAL], true, 'device'),
  row('Vendor_Defined Type 0', 0x7e, [TO_ROOT, BY_ID, BROADCAST, LOCAL], false, null),
  row('Vendor_Defined Type 1', 0x7f, [TO_ROOT, BY_ID, BROADCAST, LOCAL], false, null),
];

const BY_CODE: ReadonlyMap<number, MessageRow> = new Map(MESSAGES.map((message) => [message.code, message]));

/** The message with this code, or undefined. */
export function messageOf(code: number): MessageRow | undefined {
  return BY_CODE.get(code);
}
