import { bit, bits, type RegisterTable } from '../../src/registers/index.ts';

/** A small map with one row of every kind. */
export const TABLE: RegisterTable = {
  name: 'demo',
  bytes: 0x4000,
  rows: [
    {
      name: 'CTRL',
      offset: 0x0000,
      access: 'RsvdP',
      phrase: 'Device control',
      section: '1.1',
      fields: [
        bit('GO', 0, 'RW', 'start'),
        bits('MODE', 4, 2, 'RW', 'what to do', { reset: 2, values: { 0: 'idle', 2: 'forward' } }),
        bit('RST', 26, 'RW1S', 'reset, cleared by the hardware'),
      ],
    },
    { name: 'STATUS', offset: 0x0008, access: 'RO', reset: 0x80000, phrase: 'Device status', section: '1.2' },
    { name: 'EICR', offset: 0x0800, access: 'RC_W1C', phrase: 'Interrupt cause', section: '2.1' },
    { name: 'EICS', offset: 0x0808, access: 'WO', phrase: 'Interrupt cause set', section: '2.2' },
    { name: 'EIMC', offset: 0x0888, access: 'RW1C', reset: 0xff, phrase: 'Interrupt mask', section: '2.3' },
    {
      name: 'RDT',
      offset: 0x1018,
      access: 'RW',
      count: 64,
      step: 0x40,
      segments: [{ offset: 0x3018, step: 0x40, count: 63 }],
      fields: [
        bits('RDT', 0, 16, 'RW', 'tail'),
        bits('Reserved', 16, 16, 'RsvdP', 'reserved, reads as zero'),
      ],
      phrase: 'Receive descriptor tail',
      section: '3.1',
    },
    {
      name: 'SRRCTL',
      offset: 0x1014,
      access: 'RW',
      count: 64,
      step: 0x40,
      aliases: [{ offset: 0x2100, step: 4, count: 16 }],
      reset: 0x402,
      phrase: 'Split receive control',
      section: '3.2',
    },
    { name: 'GPRC', offset: 0x2074, access: 'RC', phrase: 'Good packets received', section: '4.1' },
  ],
};
