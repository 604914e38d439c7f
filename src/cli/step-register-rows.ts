import { fields, ro, rw } from '../profiles/register-rows.ts';
import { bit, bits, type RegisterRow } from '../registers/index.ts';

const RECEIVE = '8.2.3.8';
const TRANSMIT = '8.2.3.9';
const VF = '8.3.5';

/** Registers of a queue by their names, as the PF has them; a VF's have VF in front (82599 data sheet 8.2.3.8, 8.2.3.9, 8.3.5). */
const QUEUE_ROWS: readonly RegisterRow[] = [
  rw('RDBAL', 0x00, 'base of the receive ring, low: a multiple of 128', RECEIVE),
  rw('RDBAH', 0x04, 'base of the receive ring, high', RECEIVE),
  rw('RDLEN', 0x08, 'bytes of the receive ring: a multiple of 128', RECEIVE),
  ro('RDH', 0x10, 'receive head: the next descriptor that the card fills', RECEIVE),
  fields('SRRCTL', 0x14, 'split receive control', RECEIVE, [
    bits('BSIZEPACKET', 0, 5, 'RW', 'KB of a receive buffer'),
    bits('BSIZEHEADER', 8, 6, 'RW', 'units of 64 bytes of a header buffer'),
    bits('RDMTS', 22, 3, 'RW', 'threshold of free descriptors, in units of 64'),
    bits('DESCTYPE', 25, 3, 'RW', 'type of descriptors', {
      values: {
        0: 'legacy',
        1: 'advanced, one buffer',
        2: 'advanced, header split',
        5: 'advanced, always split',
      },
    }),
    bit('Drop_En', 28, 'RW', 'frames are dropped while there is no descriptor'),
  ]),
  rw('RDT', 0x18, 'receive tail: behind the last descriptor that software has handed over', RECEIVE),
  fields('RXDCTL', 0x28, 'receive descriptor control', RECEIVE, [
    bit('ENABLE', 25, 'RW', 'the queue is on'),
    bit('VME', 30, 'RW', 'VLAN tags are stripped'),
  ]),
  rw('TDBAL', 0x00, 'base of the transmit ring, low: a multiple of 128', TRANSMIT),
  rw('TDBAH', 0x04, 'base of the transmit ring, high', TRANSMIT),
  rw('TDLEN', 0x08, 'bytes of the transmit ring: a multiple of 128', TRANSMIT),
  ro('TDH', 0x10, 'transmit head: behind the last descriptor whose frame the card has', TRANSMIT),
  rw('TDT', 0x18, 'transmit tail: behind the last descriptor that software has handed over', TRANSMIT),
  fields('TXDCTL', 0x28, 'transmit descriptor control', TRANSMIT, [
    bits('PTHRESH', 0, 7, 'RW', 'descriptors are fetched when no more are cached'),
    bits('HTHRESH', 8, 7, 'RW', 'and so many wait in memory'),
    bits('WTHRESH', 16, 7, 'RW', 'descriptors that are written back together'),
    bit('ENABLE', 25, 'RW', 'the queue is on'),
    bit('SWFLSH', 26, 'RW', 'what is to be written back is, at once'),
  ]),
  fields('TDWBAL', 0x38, 'where the transmit head is written, low', TRANSMIT, [
    bit('Head_WB_En', 0, 'RW', 'the head is written, and no descriptors are'),
    bits('HeadWB_Low', 2, 30, 'RW', 'address in units of four bytes'),
  ]),
  rw('TDWBAH', 0x3c, 'where the transmit head is written, high', TRANSMIT),
];

const VECTORS = [bits('MSIX', 0, 3, 'RW', 'a bit for each of the three vectors')];

/** Registers of a VF beside its queues', by their names. */
const VF_ROWS: readonly RegisterRow[] = [
  { name: 'VFCTRL', offset: 0, access: 'WO', phrase: 'VF control: bit 26 resets it', section: VF },
  fields('VFSTATUS', 0x08, 'VF status', VF, [bit('Linkup', 7, 'RO', 'the link is up')]),
  fields('VFLINKS', 0x10, 'link status', VF, [
    bits('Link Speed', 28, 2, 'RO', 'rate of the port', {
      values: { 1: '100 Mb/s', 2: '1 Gb/s', 3: '10 Gb/s' },
    }),
    bit('Link Up', 30, 'RO', 'the link is up'),
  ]),
  fields('VTEICR', 0x100, 'interrupt causes, which reading clears', VF, VECTORS),
  { name: 'VTEICS', offset: 0x104, access: 'WO', phrase: 'sets interrupt causes', section: VF },
  fields('VTEIMS', 0x108, 'interrupt mask: causes that are enabled', VF, VECTORS),
  { name: 'VTEIMC', offset: 0x10c, access: 'WO', phrase: 'clears the interrupt mask', section: VF },
  fields('VTEIAC', 0x110, 'causes that their messages clear', VF, VECTORS),
  fields('VTEIAM', 0x114, 'causes that their messages mask', VF, VECTORS),
  fields('VTIVAR', 0x120, 'vectors of two queues', VF, [
    bits('INT_Alloc[0]', 0, 2, 'RW', 'vector of the first one, receive'),
    bit('INT_Alloc_val[0]', 7, 'RW', 'it has one'),
    bits('INT_Alloc[1]', 8, 2, 'RW', 'vector of the first one, transmit'),
    bit('INT_Alloc_val[1]', 15, 'RW', 'it has one'),
    bits('INT_Alloc[2]', 16, 2, 'RW', 'vector of the second one, receive'),
    bit('INT_Alloc_val[2]', 23, 'RW', 'it has one'),
    bits('INT_Alloc[3]', 24, 2, 'RW', 'vector of the second one, transmit'),
    bit('INT_Alloc_val[3]', 31, 'RW', 'it has one'),
  ]),
  fields('VTIVAR_MISC', 0x140, 'vector of the mailbox', VF, [
    bits('INT_Alloc', 0, 2, 'RW', 'the vector'),
    bit('INT_Alloc_val', 7, 'RW', 'it has one'),
  ]),
  rw('VFMBMEM', 0x200, 'a word of the mailbox', VF),
  fields('VFMAILBOX', 0x2fc, 'mailbox', VF, [
    bit('REQ', 0, 'WO', 'the PF is told of a message'),
    bit('ACK', 1, 'WO', 'the PF is told that its message was read'),
    bit('VFU', 2, 'RW', 'the VF has the mailbox'),
    bit('PFU', 3, 'RO', 'the PF has it'),
    bit('PFSTS', 4, 'RC', 'the PF has sent a message'),
    bit('PFACK', 5, 'RC', 'the PF has read the message'),
    bit('RSTI', 6, 'RO', 'the PF is being reset'),
    bit('RSTD', 7, 'RC', 'the reset of the PF is done'),
  ]),
  fields('VTEITR', 0x820, 'interrupt throttling of a vector', VF, [
    bits('ITR Interval', 3, 9, 'RW', 'least time between interrupts, in units of about 2 us'),
  ]),
];

const ROWS: ReadonlyMap<string, RegisterRow> = new Map(
  [...QUEUE_ROWS, ...VF_ROWS].map((row) => [row.name, row]),
);

/** What there is to say of a register of a queue or of a VF, by its name: `RDT[5]`, `VFTDT[0]`, `VTEIMS`; null for others. */
export function queueOrVfRow(name: string): RegisterRow | null {
  const [base] = name.split('[');
  return ROWS.get(base) ?? ROWS.get(base.replace(/^VF/, '')) ?? null;
}
