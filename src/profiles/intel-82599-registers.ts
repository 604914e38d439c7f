import { bit, bits, type RegisterRow, type RegisterTable } from '../registers/index.ts';

/** One row of storage that software reads and writes. */
function rw(name: string, offset: number, phrase: string, section: string, reset = 0): RegisterRow {
  return { name, offset, access: 'RW', phrase, section, reset };
}

/** An array of such rows. */
function rwArray(
  name: string,
  offset: number,
  count: number,
  step: number,
  phrase: string,
  section: string,
): RegisterRow {
  return { name, offset, count, step, access: 'RW', phrase, section };
}

function ro(name: string, offset: number, phrase: string, section: string, reset = 0): RegisterRow {
  return { name, offset, access: 'RO', phrase, section, reset };
}

/**
 * Registers of the 82599's PF that the model knows, in BAR 0, beside the transmit and receive queues' own (RDBAL ... TXDCTL),
 * which the queue block keeps. Names, offsets and sections are the datasheet's (Intel 82599 10 GbE Controller Datasheet).
 */
export const INTEL_82599_REGISTERS: RegisterTable = {
  name: 'Intel 82599 PF',
  bytes: 0x20000,
  rows: [
    {
      name: 'CTRL',
      offset: 0x0,
      access: 'RO',
      phrase: 'device control',
      section: '8.2.3.1.1',
      fields: [
        bit('PCIe Master Disable', 2, 'RW', 'no new requests'),
        bit('LRST', 3, 'RW', 'link reset'),
        bit('RST', 26, 'RW', 'device reset; clears itself'),
      ],
    },
    {
      name: 'STATUS',
      offset: 0x8,
      access: 'RO',
      phrase: 'device status',
      section: '8.2.3.1.2',
      fields: [
        bits('LAN ID', 2, 2, 'RO', 'which port'),
        bits('NUMVFS', 10, 8, 'RO', 'NumVFs of the SR-IOV capability'),
        bit('IOV Active', 18, 'RO', 'VF Enable of the SR-IOV capability'),
        bit('PCIe Master Enable Status', 19, 'RO', 'requests may be pending', { reset: 1 }),
      ],
    },
    {
      name: 'CTRL_EXT',
      offset: 0x18,
      access: 'RW',
      phrase: 'extended device control',
      section: '8.2.3.1.3',
      fields: [bit('PFRSTD', 14, 'RW', 'PF reset done: sets RSTD in every VF mailbox')],
    },
    rw('EEC', 0x10010, 'EEPROM control; present and read automatically', '8.2.3.2.1', 0x300),
    rw('RTTDCS', 0x4900, 'transmit descriptor plane control', '8.2.3.10.1'),
    rw('MTQC', 0x8120, 'multiple transmit queues: 64 pools of two', '8.2.3.9.15'),
    rw('MRQC', 0xec80, 'multiple receive queues: MRQE', '8.2.3.7.12'),
    rw('DMATXCTL', 0x4a80, 'DMA transmit control: TE', '8.2.3.9.2'),
    rw('RXCTRL', 0x3000, 'receive control: RXEN', '8.2.3.8.10'),
    rw('RDRXCTL', 0x2f00, 'receive DMA control: DMAIDONE', '8.2.3.8.8', 0x8),
    {
      name: 'PFQDE',
      offset: 0x2f04,
      access: 'RW',
      phrase: 'queue drop enable, by queue index',
      section: '8.2.3.27.16',
      fields: [
        bit('QDE', 0, 'RW', 'drop when no descriptor is left'),
        bits('QUEUE_IDX', 8, 7, 'RW', 'queue that is written or read'),
        bit('WE', 16, 'RW', 'write'),
        bit('RE', 17, 'RW', 'read'),
      ],
    },
    rw('HLREG0', 0x4240, 'MAC core control: CRC, padding, jumbo', '8.2.3.22.8', 0x0001_2c2f),
    rw('FCTRL', 0x5080, 'filter control: promiscuous modes, broadcast', '8.2.3.7.1'),
    rw('VLNCTRL', 0x5088, 'VLAN control: VFE, EtherType', '8.2.3.7.2', 0x8100),
    rw('AUTOC', 0x42a0, 'autonegotiation control', '8.2.3.22.19', 0xc09c_6004 | 0),
    ro('LINKS', 0x42a4, 'link status: up, speed', '8.2.3.22.20'),
    { name: 'EICR', offset: 0x800, access: 'RW', phrase: 'interrupt causes', section: '8.2.3.5.1' },
    { name: 'EICS', offset: 0x808, access: 'WO', phrase: 'set interrupt causes', section: '8.2.3.5.2' },
    { name: 'EIMS', offset: 0x880, access: 'RW', phrase: 'set the interrupt mask', section: '8.2.3.5.3' },
    { name: 'EIMC', offset: 0x888, access: 'WO', phrase: 'clear the interrupt mask', section: '8.2.3.5.4' },
    rw('EIAC', 0x810, 'causes cleared by their message', '8.2.3.5.5'),
    rw('EIAM', 0x890, 'causes masked by their message', '8.2.3.5.6'),
    {
      name: 'EITR',
      offset: 0x820,
      count: 24,
      step: 4,
      segments: [{ offset: 0x12300, step: 4, count: 104 }],
      access: 'RW',
      phrase: 'interrupt throttling: interval 11:3 in 2.048 us',
      section: '8.2.3.5.12',
    },
    rwArray('IVAR', 0x900, 64, 4, 'vector of each queue, a byte a direction', '8.2.3.5.14'),
    rw('IVAR_MISC', 0xa00, 'vector of the other causes', '8.2.3.5.15'),
    rw('GPIE', 0x898, 'interrupt mode', '8.2.3.5.18'),
    {
      name: 'RAL',
      offset: 0xa200,
      count: 128,
      step: 8,
      aliases: [{ offset: 0x5400, step: 8, count: 16 }],
      access: 'RW',
      phrase: 'unicast address, first four bytes',
      section: '8.2.3.7.9',
    },
    {
      name: 'RAH',
      offset: 0xa204,
      count: 128,
      step: 8,
      aliases: [{ offset: 0x5404, step: 8, count: 16 }],
      access: 'RW',
      phrase: 'unicast address, last two bytes, AV bit 31',
      section: '8.2.3.7.10',
    },
    rwArray('MPSAR', 0xa600, 256, 4, 'pools of each address, two words an address', '8.2.3.27.15'),
    rwArray('MTA', 0x5200, 128, 4, 'multicast hash table', '8.2.3.7.7'),
    rwArray('VFTA', 0xa000, 128, 4, 'VLAN filter table, a bit a VLAN', '8.2.3.7.11'),
    {
      name: 'PFVTCTL',
      offset: 0x51b0,
      access: 'RW',
      phrase: 'virtualization control',
      section: '8.2.3.27.1',
      fields: [
        bit('VT_EN', 0, 'RW', 'pools'),
        bits('DEF_PL', 7, 6, 'RW', 'default pool'),
        bit('Dis_Def_Pool', 29, 'RW', 'no default pool'),
        bit('Rpl_En', 30, 'RW', 'replication of multicast and broadcast'),
      ],
    },
    rwArray('PFVFRE', 0x51e0, 2, 4, 'pools that receive', '8.2.3.27.7'),
    rwArray('PFVFTE', 0x8110, 2, 4, 'pools that transmit', '8.2.3.27.8'),
    rwArray('PFVML2FLT', 0xf000, 64, 4, 'what each pool accepts: AUPE, ROMPE, ROPE, BAM, MPE', '8.2.3.27.9'),
    rwArray('PFVLVF', 0xf100, 64, 4, 'VLAN filters: VLAN 11:0, VIEN 31', '8.2.3.27.10'),
    rwArray('PFVLVFB', 0xf200, 128, 4, 'pools of each VLAN filter, two words a filter', '8.2.3.27.11'),
    rwArray('PFVMVIR', 0x8000, 64, 4, 'VLAN that a pool inserts: VLANA 31:30, tag 15:0', '8.2.3.27.14'),
    rwArray(
      'PFVFSPOOF',
      0x8200,
      8,
      4,
      'anti-spoofing: MAC 7:0, VLAN 15:8, eight pools a word',
      '8.2.3.27.12',
    ),
    rw('PFDTXGSWC', 0x8220, 'switch between pools: LBE', '8.2.3.27.13'),
    rwArray('PFVMTXSW', 0x5180, 2, 4, 'pools whose frames may come back', '8.2.3.27.5'),
    rwArray('PFMAILBOX', 0x4b00, 64, 4, 'mailbox of each VF, the PF side', '8.2.3.27.2'),
    rwArray('PFMBMEM', 0x13000, 1024, 4, 'mailbox memory, 16 words a VF', '8.2.3.27.3'),
    {
      name: 'PFMBICR',
      offset: 0x710,
      count: 4,
      step: 4,
      access: 'RW1C',
      phrase: 'mailbox causes: requests 15:0, acknowledges 31:16, 16 VFs a word',
      section: '8.2.3.5.20',
    },
    rwArray('PFMBIMR', 0x720, 2, 4, 'mailbox interrupt mask, a bit a VF', '8.2.3.5.21'),
    {
      name: 'PFVFLRE',
      offset: 0x600,
      count: 2,
      step: 4,
      access: 'RO',
      phrase: 'VFs that were reset',
      section: '8.2.3.27.4',
    },
    {
      name: 'PFVFLREC',
      offset: 0x700,
      count: 2,
      step: 4,
      access: 'WO',
      phrase: 'clears PFVFLRE',
      section: '8.2.3.27.4',
    },
    { name: 'GPRC', offset: 0x4074, access: 'RC', phrase: 'good packets received', section: '8.2.3.23.26' },
    {
      name: 'GPTC',
      offset: 0x4080,
      access: 'RC',
      phrase: 'good packets transmitted',
      section: '8.2.3.23.29',
    },
    {
      name: 'SSVPC',
      offset: 0x8780,
      access: 'RC',
      phrase: 'frames dropped by anti-spoofing',
      section: '8.2.3.23.77',
    },
  ],
};
