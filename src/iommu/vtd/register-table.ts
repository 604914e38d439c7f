import {
  bit,
  bits,
  type RegisterField,
  type RegisterRow,
  type RegisterTable,
} from '../../registers/index.ts';
import {
  type Capabilities,
  capabilityRegister,
  extendedCapabilityRegister,
  faultRecordingOffset,
  IOTLB_OFFSET,
} from './capabilities.ts';

/**
 * The registers of a remapping unit after Intel VT-d (Architecture Specification, 11.4), for hardware with these
 * capabilities. Of a 64-bit register the two halves are rows: the upper one is called `NAME_HI`, and its fields
 * count from bit 0 again.
 */
export function vtdRegisterTable(of: Capabilities): RegisterTable {
  const { hostAddressBits } = of.limits;
  const records = of.faultRecords;
  const faults = faultRecordingOffset(records);
  const cap = capabilityRegister(of);
  const ecap = extendedCapabilityRegister(of);
  const upperAddress = [bits('ADDR', 0, hostAddressBits - 32, 'RW', 'bits 32 and upwards')];
  return {
    name: 'VT-d remapping unit',
    bytes: Math.ceil((faults + 16 * records) / 4096) * 4096,
    rows: [
      ro('VER_REG', 0x00, 'version', '11.4.1', 0x10, [
        bits('MIN', 0, 4, 'RO', 'minor'),
        bits('MAX', 4, 4, 'RO', 'major'),
      ]),
      ro('CAP_REG', 0x08, 'capabilities', '11.4.2', cap.low, CAP),
      ro('CAP_REG_HI', 0x0c, 'capabilities, bits 63:32', '11.4.2', cap.high, CAP_HI),
      ro('ECAP_REG', 0x10, 'extended capabilities', '11.4.3', ecap.low, ECAP),
      ro('ECAP_REG_HI', 0x14, 'extended capabilities, bits 63:32', '11.4.3', ecap.high, []),
      fields('GCMD_REG', 0x18, 'global command', '11.4.4', [
        bit('CFI', 23, 'WO', 'compatibility format interrupts pass'),
        bit('SIRTP', 24, 'WO', 'takes the pointer to the interrupt remapping table over'),
        bit('IRE', 25, 'WO', 'interrupt remapping'),
        bit('QIE', 26, 'WO', 'queued invalidation'),
        bit('WBF', 27, 'WO', 'flushes write buffers'),
        bit('SRTP', 30, 'WO', 'takes the pointer to the root table over'),
        bit('TE', 31, 'WO', 'translation'),
      ]),
      ro('GSTS_REG', 0x1c, 'global status', '11.4.5', 0, [
        bit('CFIS', 23, 'RO', 'compatibility format interrupts pass'),
        bit('IRTPS', 24, 'RO', 'the interrupt remapping table is set'),
        bit('IRES', 25, 'RO', 'interrupts are remapped'),
        bit('QIES', 26, 'RO', 'invalidations are queued'),
        bit('WBFS', 27, 'RO', 'write buffers are being flushed'),
        bit('RTPS', 30, 'RO', 'the root table is set'),
        bit('TES', 31, 'RO', 'requests are translated'),
      ]),
      fields('RTADDR_REG', 0x20, 'root table address', '11.4.6', [bits('RTA', 12, 20, 'RW', 'bits 31:12')]),
      fields('RTADDR_REG_HI', 0x24, 'root table address, bits 63:32', '11.4.6', upperAddress),
      fields('CCMD_REG', 0x28, 'context command', '11.4.7', [
        bits('DID', 0, 16, 'RW', 'domain'),
        bits('SID', 16, 16, 'RW', 'function'),
      ]),
      fields('CCMD_REG_HI', 0x2c, 'context command, bits 63:32', '11.4.7', [
        bits('FM', 0, 2, 'RW', 'low bits of the function number that do not count'),
        bits('CAIG', 27, 2, 'RO', 'what was invalidated', { values: GRANULARITIES }),
        bits('CIRG', 29, 2, 'RW', 'what to invalidate', { values: GRANULARITIES }),
        bit('ICC', 31, 'RW1S', 'begins, and is clear when it is done'),
      ]),
      fields('FSTS_REG', 0x34, 'fault status', '11.4.9', [
        bit('PFO', 0, 'RW1CS', 'a fault found its record in use'),
        bit('PPF', 1, 'ROS', 'a record waits'),
        bit('IQE', 4, 'RW1CS', 'error of the invalidation queue'),
        bit('ICE', 5, 'RW1CS', 'unexpected completion of a device-TLB invalidation'),
        bit('ITE', 6, 'RW1CS', 'a device-TLB invalidation was not completed in time'),
        bits('FRI', 8, 8, 'ROS', 'record of the first fault that waits'),
      ]),
      ...eventRows('FE', 'fault', 0x38, 10),
      fields('IQH_REG', 0x80, 'invalidation queue head', '11.4.21', [
        bits('QH', 4, 15, 'RO', 'descriptor that is fetched next'),
      ]),
      none('IQH_REG_HI', 0x84, 'invalidation queue head, bits 63:32', '11.4.21'),
      fields('IQT_REG', 0x88, 'invalidation queue tail', '11.4.22', [
        bits('QT', 4, 15, 'RW', 'descriptor that software writes next'),
      ]),
      none('IQT_REG_HI', 0x8c, 'invalidation queue tail, bits 63:32', '11.4.22'),
      fields('IQA_REG', 0x90, 'invalidation queue address', '11.4.23', [
        bits('QS', 0, 3, 'RW', 'pages of the queue: two to the power of it'),
        bits('IQA', 12, 20, 'RW', 'bits 31:12'),
      ]),
      fields('IQA_REG_HI', 0x94, 'invalidation queue address, bits 63:32', '11.4.23', upperAddress),
      fields('ICS_REG', 0x9c, 'invalidation completion status', '11.4.24', [
        bit('IWC', 0, 'RW1CS', 'a wait descriptor that asks for an interrupt is complete'),
      ]),
      ...eventRows('IE', 'invalidation', 0xa0, 25),
      ro('IQERCD_REG', 0xb0, 'invalidation queue error record', '11.4.9', 0, [
        bits('IQEI', 0, 4, 'RO', 'why IQE was set', { values: QUEUE_ERRORS }),
      ]),
      ro('IQERCD_REG_HI', 0xb4, 'invalidation queue error record, bits 63:32', '11.4.9', 0, [
        bits('ITESID', 0, 16, 'RO', 'function whose device TLB did not answer'),
        bits('ICESID', 16, 16, 'RO', 'function that answered unexpectedly'),
      ]),
      fields('IRTA_REG', 0xb8, 'interrupt remapping table address', '11.4.29', [
        bits('S', 0, 4, 'RW', 'entries of the table: two to the power of it plus one'),
        bit('EIME', 11, of.extendedInterrupts ? 'RW' : 'RsvdZ', 'destinations have 32 bits'),
        bits('IRTA', 12, 20, 'RW', 'bits 31:12'),
      ]),
      fields('IRTA_REG_HI', 0xbc, 'interrupt remapping table address, bits 63:32', '11.4.29', upperAddress),
      ...iotlbRows(),
      ...recordRows(faults, records),
    ],
  };
}

const CAP: readonly RegisterField[] = [
  bits('ND', 0, 3, 'RO', 'domains: two to the power of 4 + 2 ND'),
  bit('AFL', 3, 'RO', 'advanced fault logging'),
  bit('RWBF', 4, 'RO', 'write buffers must be flushed'),
  bit('PLMR', 5, 'RO', 'protected low memory'),
  bit('PHMR', 6, 'RO', 'protected high memory'),
  bit('CM', 7, 'RO', 'entries that are not present are cached'),
  bits('SAGAW', 8, 5, 'RO', 'levels of second-stage tables'),
  bits('MGAW', 16, 6, 'RO', 'bits of an address, less one'),
  bit('ZLR', 22, 'RO', 'reads of no byte from pages that may only be written'),
  bits('FRO', 24, 8, 'RO', 'fault recording registers, in units of 16 bytes'),
];

const CAP_HI: readonly RegisterField[] = [
  bits('SLLPS', 2, 4, 'RO', 'large pages: 2 MiB, 1 GiB'),
  bit('PSI', 7, 'RO', 'page-selective invalidation'),
  bits('NFR', 8, 8, 'RO', 'fault recording registers, less one'),
  bits('MAMV', 16, 6, 'RO', 'largest address mask'),
  bit('DWD', 22, 'RO', 'invalidations can drain writes'),
  bit('DRD', 23, 'RO', 'invalidations can drain reads'),
  bit('PI', 27, 'RO', 'posted interrupts'),
];

const ECAP: readonly RegisterField[] = [
  bit('C', 0, 'RO', 'tables are read coherently'),
  bit('QI', 1, 'RO', 'queued invalidation'),
  bit('DT', 2, 'RO', 'device TLBs'),
  bit('IR', 3, 'RO', 'interrupt remapping'),
  bit('EIM', 4, 'RO', 'destinations of 32 bits'),
  bit('PT', 6, 'RO', 'pass-through'),
  bit('SC', 7, 'RO', 'snoop control'),
  bits('IRO', 8, 10, 'RO', 'IOTLB registers, in units of 16 bytes'),
  bits('MHMV', 20, 4, 'RO', 'largest mask of interrupt indexes'),
];

const GRANULARITIES: Readonly<Record<number, string>> = {
  0: 'nothing',
  1: 'everything',
  2: 'a domain',
  3: 'a device, or pages',
};

const QUEUE_ERRORS: Readonly<Record<number, string>> = {
  1: 'tail beyond the queue',
  2: 'descriptor cannot be read',
  3: 'descriptor of a type that there is not',
  4: 'reserved bits in a descriptor',
};

/** The four registers of an event that is told by a message. */
function eventRows(prefix: string, word: string, offset: number, section: number): RegisterRow[] {
  return [
    fields(`${prefix}CTL_REG`, offset, `${word} event control`, `11.4.${section}`, [
      bit('IP', 30, 'RO', 'a message waits'),
      bit('IM', 31, 'RW', 'messages are masked', { reset: 1 }),
    ]),
    rw(`${prefix}DATA_REG`, offset + 4, `${word} event data`, `11.4.${section + 1}`),
    fields(`${prefix}ADDR_REG`, offset + 8, `${word} event address`, `11.4.${section + 2}`, [
      bits('MA', 2, 30, 'RW', 'bits 31:2'),
    ]),
    rw(`${prefix}UADDR_REG`, offset + 12, `${word} event address, bits 63:32`, `11.4.${section + 3}`),
  ];
}

function iotlbRows(): RegisterRow[] {
  const section = '11.4.8';
  return [
    fields('IVA_REG', IOTLB_OFFSET, 'address to invalidate', `${section}.2`, [
      bits('AM', 0, 6, 'WO', 'pages: two to the power of it'),
      bit('IH', 6, 'WO', 'only leaf entries have changed'),
      bits('ADDR', 12, 20, 'WO', 'bits 31:12'),
    ]),
    {
      ...rw('IVA_REG_HI', IOTLB_OFFSET + 4, 'address to invalidate, bits 63:32', `${section}.2`),
      access: 'WO',
    },
    none('IOTLB_REG', IOTLB_OFFSET + 8, 'IOTLB invalidation', `${section}.1`),
    fields('IOTLB_REG_HI', IOTLB_OFFSET + 12, 'IOTLB invalidation, bits 63:32', `${section}.1`, [
      bits('DID', 0, 16, 'RW', 'domain'),
      bit('DW', 16, 'RW', 'drains writes'),
      bit('DR', 17, 'RW', 'drains reads'),
      bits('IAIG', 25, 2, 'RO', 'what was invalidated', { values: GRANULARITIES }),
      bits('IIRG', 28, 2, 'RW', 'what to invalidate', { values: GRANULARITIES }),
      bit('IVT', 31, 'RW1S', 'begins, and is clear when it is done'),
    ]),
  ];
}

function recordRows(offset: number, count: number): RegisterRow[] {
  const row = (word: number, phrase: string, list: readonly RegisterField[]): RegisterRow => ({
    ...fields(`FRCD_REG_${word}`, offset + 4 * word, phrase, '11.4.14', list),
    count,
    step: 16,
  });
  return [
    row(0, 'fault record, bits 31:0', [bits('FI', 12, 20, 'ROS', 'address of the page, bits 31:12')]),
    row(1, 'fault record, bits 63:32', [
      bits('FI', 0, 32, 'ROS', 'its bits 63:32, or an interrupt index in 31:16'),
    ]),
    row(2, 'fault record, bits 95:64', [bits('SID', 0, 16, 'ROS', 'function that asked')]),
    row(3, 'fault record, bits 127:96', [
      bits('FR', 0, 8, 'ROS', 'why it was refused'),
      bits('AT', 28, 2, 'ROS', 'address type'),
      bit('T', 30, 'ROS', 'it was a read'),
      bit('F', 31, 'RW1CS', 'the record waits'),
    ]),
  ];
}

function fields(
  name: string,
  offset: number,
  phrase: string,
  section: string,
  list: readonly RegisterField[],
): RegisterRow {
  return { name, offset, access: 'RsvdP', phrase, section, fields: list };
}

function ro(
  name: string,
  offset: number,
  phrase: string,
  section: string,
  reset: number,
  list: readonly RegisterField[],
): RegisterRow {
  return { name, offset, access: 'RO', reset, phrase, section, fields: list };
}

function rw(name: string, offset: number, phrase: string, section: string): RegisterRow {
  return { name, offset, access: 'RW', phrase, section };
}

function none(name: string, offset: number, phrase: string, section: string): RegisterRow {
  return { name, offset, access: 'RsvdZ', phrase, section };
}
