import { bit, bits, type RegisterField, type RegisterRow, type RegisterTable } from '../registers/index.ts';

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

/** A register of fields; the rest of its bits are reserved. */
function fields(
  name: string,
  offset: number,
  phrase: string,
  section: string,
  list: readonly RegisterField[],
  reset = 0,
): RegisterRow {
  return { name, offset, access: 'RsvdP', phrase, section, fields: list, reset };
}

/** An array of such registers, one behind the other. */
function fieldsArray(
  name: string,
  offset: number,
  count: number,
  phrase: string,
  section: string,
  list: readonly RegisterField[],
): RegisterRow {
  return { name, offset, count, step: 4, access: 'RsvdP', phrase, section, fields: list };
}

/** An array of counters that reading clears. */
function counters(name: string, offset: number, count: number, phrase: string, section: string): RegisterRow {
  return { name, offset, count, step: 4, access: 'RC', phrase, section };
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
      fields: [
        bit('PFRSTD', 14, 'RW', 'PF reset done: sets RSTD in every VF mailbox'),
        bit('EXTENDED_VLAN', 26, 'RW', 'received frames have an outer VLAN tag'),
      ],
    },
    rw('EEC', 0x10010, 'EEPROM control; present and read automatically', '8.2.3.2.1', 0x300),
    rw('RTTDCS', 0x4900, 'transmit descriptor plane control: TDPAC, VMPAC, ARBDIS, SPEED_CHG', '8.2.3.10.2'),
    rw('RTTDQSEL', 0x4904, 'queue that RTTDT1C and RTTBCNRC are of', '8.2.3.10.13'),
    rw('RTTDT1C', 0x4908, 'credit of the pool of the selected queue: CRQ 13:0 in 64 bytes', '8.2.3.10'),
    rwArray('RTTDT2C', 0x4910, 8, 4, 'credit of a class: CRQ 8:0, BWG 11:9, MCL 23:12, GSP, LSP', '8.2.3.10'),
    rw('RTTBCNRM', 0x4980, 'credit that a limit keeps: MMW_SIZE 10:0 in KB', '8.2.3.10'),
    rw('RTTBCNRC', 0x4984, 'limit of the selected queue: RF_DEC 13:0, RF_INT 23:14, RS_ENA', '8.2.3.10.16'),
    rw('MTQC', 0x8120, 'multiple transmit queues: 64 pools of two', '8.2.3.9.15'),
    rw('MRQC', 0xec80, 'multiple receive queues: MRQE', '8.2.3.7.12'),
    rw('DMATXCTL', 0x4a80, 'DMA transmit control: TE, GDV', '8.2.3.9.2'),
    rw('RXCTRL', 0x3000, 'receive control: RXEN', '8.2.3.8.10'),
    rw('RDRXCTL', 0x2f00, 'receive DMA control: DMAIDONE', '8.2.3.8.8', 0x8),
    {
      name: 'PFQDE',
      offset: 0x2f04,
      access: 'RW',
      phrase: 'queue drop enable, by queue index',
      section: '8.2.3.27.9',
      fields: [
        bit('QDE', 0, 'RW', 'drop when no descriptor is left'),
        bits('QUEUE_IDX', 8, 7, 'RW', 'queue that is written or read'),
        bit('WE', 16, 'RW', 'write'),
        bit('RE', 17, 'RW', 'read'),
      ],
    },
    rw('HLREG0', 0x4240, 'MAC core control: CRC, padding, jumbo', '8.2.3.22.8', 0x0001_2c2f),
    fields('FCTRL', 0x5080, 'filter control: promiscuous modes, broadcast', '8.2.3.7.1', [
      bit('SBP', 1, 'RW', 'store bad packets'),
      bit('MPE', 8, 'RW', 'multicast promiscuous'),
      bit('UPE', 9, 'RW', 'unicast promiscuous'),
      bit('BAM', 10, 'RW', 'accept broadcasts'),
    ]),
    fields(
      'VLNCTRL',
      0x5088,
      'VLAN control',
      '8.2.3.7.2',
      [
        bits('VET', 0, 16, 'RW', 'VLAN EtherType'),
        bit('CFI', 28, 'RW', 'canonical form indicator to accept'),
        bit('CFIEN', 29, 'RW', 'canonical form indicator is looked at'),
        bit('VFE', 30, 'RW', 'VLAN filter'),
      ],
      0x8100,
    ),
    fields(
      'EXVET',
      0x5078,
      'EtherType of outer VLAN tags',
      '8.2.3.7.3',
      [bits('VET_EXT', 16, 16, 'RW', 'outer VLAN EtherType')],
      0x8100_0000 | 0,
    ),
    fields('MCSTCTRL', 0x5090, 'hash tables of addresses', '8.2.3.7.6', [
      bits('MO', 0, 2, 'RW', 'which 12 bits of an address are the index'),
      bit('MFE', 2, 'RW', 'group addresses are looked up in the MTA'),
    ]),
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
      section: '8.2.3.7.8',
    },
    {
      name: 'RAH',
      offset: 0xa204,
      count: 128,
      step: 8,
      aliases: [{ offset: 0x5404, step: 8, count: 16 }],
      access: 'RsvdP',
      phrase: 'unicast address, last two bytes',
      section: '8.2.3.7.9',
      fields: [bits('RAH', 0, 16, 'RW', 'last two bytes'), bit('AV', 31, 'RW', 'valid')],
    },
    rwArray('MPSAR', 0xa600, 256, 4, 'pools of each address, two words an address', '8.2.3.7.10'),
    rwArray('MTA', 0x5200, 128, 4, 'multicast hash table', '8.2.3.7.7'),
    rwArray('VFTA', 0xa000, 128, 4, 'VLAN filter table, a bit a VLAN', '8.2.3.7.11'),
    {
      name: 'PFVTCTL',
      offset: 0x51b0,
      access: 'RsvdP',
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
    fieldsArray('PFVML2FLT', 0xf000, 64, 'what each pool accepts', '8.2.3.27.14', [
      bit('AUPE', 24, 'RW', 'untagged packets'),
      bit('ROMPE', 25, 'RW', 'group addresses that the MTA has'),
      bit('ROPE', 26, 'RW', 'single addresses that the PFUTA has'),
      bit('BAM', 27, 'RW', 'broadcasts'),
      bit('MPE', 28, 'RW', 'all group addresses'),
    ]),
    fieldsArray('PFVLVF', 0xf100, 64, 'VLAN filters', '8.2.3.27.15', [
      bits('VLAN_Id', 0, 12, 'RW', 'VLAN'),
      bit('VI_En', 31, 'RW', 'valid'),
    ]),
    rwArray('PFVLVFB', 0xf200, 128, 4, 'pools of each VLAN filter, two words a filter', '8.2.3.27.16'),
    rwArray('PFUTA', 0xf400, 128, 4, 'unicast hash table', '8.2.3.27.17'),
    fieldsArray('PFMRCTL', 0xf600, 4, 'mirroring rules', '8.2.3.27.18', [
      bit('VPME', 0, 'RW', 'what the pools of PFMRVM receive'),
      bit('UPME', 1, 'RW', 'what comes from the wire'),
      bit('DPME', 2, 'RW', 'what goes to the wire'),
      bit('VLME', 3, 'RW', 'what belongs to the VLAN filters of PFMRVLAN'),
      bits('MP', 8, 6, 'RW', 'pool that gets the copies'),
    ]),
    rwArray(
      'PFMRVLAN',
      0xf610,
      8,
      4,
      'VLAN filters of each rule, the upper half four words on',
      '8.2.3.27.19',
    ),
    rwArray('PFMRVM', 0xf630, 8, 4, 'pools of each rule, the upper half four words on', '8.2.3.27.20'),
    fieldsArray('PFVMVIR', 0x8000, 64, 'VLAN that a pool inserts', '8.2.3.27.13', [
      bits('Port VLAN ID', 0, 16, 'RW', 'tag'),
      bits('VLANA', 30, 2, 'RW', 'as the descriptor says, always, never'),
    ]),
    fieldsArray('PFVFSPOOF', 0x8200, 8, 'anti-spoofing, eight pools a word', '8.2.3.27.11', [
      bits('MACAS', 0, 8, 'RW', 'of MAC addresses'),
      bits('VLANAS', 8, 8, 'RW', 'of VLANs'),
    ]),
    fields('PFDTXGSWC', 0x8220, 'switch between pools', '8.2.3.27.12', [bit('LBE', 0, 'RW', 'loopback')]),
    rwArray('PFVMTXSW', 0x5180, 2, 4, 'pools whose frames may come back', '8.2.3.27.10'),
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
      section: '8.2.3.27.5',
    },
    {
      name: 'PFVFLREC',
      offset: 0x700,
      count: 2,
      step: 4,
      access: 'WO',
      phrase: 'clears PFVFLRE',
      section: '8.2.3.27.6',
    },
    rwArray('FCTTV', 0x3200, 4, 4, 'pause time in quanta, two classes a word', '8.2.3.3.2'),
    rwArray('FCRTL', 0x3220, 8, 4, 'bytes below which a class goes on 18:5, XONE 31', '8.2.3.3.3'),
    rwArray('FCRTH', 0x3260, 8, 4, 'bytes from which on a class is stopped 18:5, FCEN 31', '8.2.3.3.4'),
    rw('FCRTV', 0x32a0, 'quanta left at which a pause is sent again', '8.2.3.3.5'),
    rw('FCCFG', 0x3d00, 'pauses that are sent: TFCE 4:3, 1 link, 2 priority', '8.2.3.3.7'),
    rw('MFLCN', 0x4294, 'pauses that are heeded: PMCF, DPF, RPFCE, RFCE', '8.2.3.22.34'),
    rw('RTRUP2TC', 0x3020, 'receive class of each priority, three bits each', '8.2.3.10.4'),
    rw('RTTUP2TC', 0xc800, 'transmit class of each priority, three bits each', '8.2.3.10.5'),
    // After a reset the first has all; the register file is told so where it is made.
    rwArray('RXPBSIZE', 0x3c00, 8, 4, 'receive packet buffer of each class: KiB 19:10', '8.2.3.8.9'),
    rwArray('TXPBSIZE', 0xcc00, 8, 4, 'transmit packet buffer of each class: KiB 19:10', '8.2.3.9.13'),
    rwArray('TXPBTHRESH', 0x4950, 8, 4, 'KiB above which a class fetches nothing 9:0', '8.2.3.9.16'),
    counters('LXONTXC', 0x3f60, 1, 'ends of pauses sent for the link', '8.2.3.23'),
    counters('LXOFFTXC', 0x3f68, 1, 'pauses sent for the link', '8.2.3.23'),
    counters('LXONRXCNT', 0x41a4, 1, 'ends of pauses received for the link', '8.2.3.23'),
    counters('LXOFFRXCNT', 0x41a8, 1, 'pauses received for the link', '8.2.3.23'),
    counters('PXONTXC', 0x3f00, 8, 'ends of pauses sent, by class', '8.2.3.23'),
    counters('PXOFFTXC', 0x3f20, 8, 'pauses sent, by class', '8.2.3.23'),
    counters('PXONRXCNT', 0x4140, 8, 'ends of pauses received, by priority', '8.2.3.23'),
    counters('PXOFFRXCNT', 0x4160, 8, 'pauses received, by priority', '8.2.3.23'),
    counters('PXON2OFFCNT', 0x3240, 8, 'changes from go to stop, by class', '8.2.3.23'),
    counters('RXMPC', 0x3fa0, 8, 'frames without room in the packet buffer, by class', '8.2.3.23'),
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
