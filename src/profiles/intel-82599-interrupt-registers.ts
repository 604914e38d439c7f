import { bit, bits, type RegisterRow } from '../registers/index.ts';
import { fields, rw, rwArray } from './register-rows.ts';

/** An array of registers that act when they are written, and read as zero. */
function wo(name: string, offset: number, count: number, phrase: string, section: string): RegisterRow {
  return { name, offset, count, step: 4, access: 'WO', phrase, section };
}

/** Interrupt registers of the PF whose meaning GPIE decides, those of the vectors from 16 on, and the VFs' as it sees them. */
export const INTEL_82599_INTERRUPT_REGISTERS: readonly RegisterRow[] = [
  rw('EICR', 0x800, 'interrupt causes', '8.2.3.5.1'),
  rw('EICS', 0x808, 'sets interrupt causes; reading it clears none', '8.2.3.5.2'),
  rw('EIAC', 0x810, 'causes cleared by their message', '8.2.3.5.5'),
  rw('EIAM', 0x890, 'causes masked by their message, or by being read', '8.2.3.5.6'),
  rw('EITRSEL', 0x894, 'which vectors EITR 0 to 31 throttle: of the PF or of a VF', '8.2.3.5.13'),
  fields('GPIE', 0x898, 'interrupt mode', '8.2.3.5.18', [
    bits('SDP_GPIEN', 0, 4, 'RW', 'pins that interrupt'),
    bit('Multiple_MSIX', 4, 'RW', 'MSI-X'),
    bit('OCD', 5, 'RW', 'reading EICR clears the causes 29:16 only'),
    bit('EIMEN', 6, 'RW', 'EICS interrupts at once'),
    bits('LL_Interval', 7, 4, 'RW', 'rate of low latency credits'),
    bits('RSC_Delay', 11, 3, 'RW', 'delay of receive side coalescing'),
    bits('VT_Mode', 14, 2, 'RW', 'pools'),
    bit('EIAME', 30, 'RW', 'EIAM masks with the message'),
    bit('PBA_support', 31, 'RW', 'pending bits are cleared by their message'),
  ]),
  wo('EICS_EX', 0xa90, 2, 'set interrupt causes, by vector', '8.2.3.5.7'),
  rwArray('EIMS_EX', 0xaa0, 2, 4, 'set the interrupt mask, by vector', '8.2.3.5.8'),
  wo('EIMC_EX', 0xab0, 2, 'clear the interrupt mask, by vector', '8.2.3.5.9'),
  rwArray('EIAM_EX', 0xad0, 2, 4, 'causes masked by their message, by vector', '8.2.3.5.10'),
  {
    name: 'EITR',
    offset: 0x820,
    count: 24,
    step: 4,
    segments: [{ offset: 0x12300, step: 4, count: 40 }],
    access: 'RW',
    phrase:
      'interrupt throttling: interval 11:3, LLI moderation 15, LLI credit 20:16, counter 27:21, CNT_WDIS 31',
    section: '8.2.3.5.12',
  },
  rw('IVAR_MISC', 0xa00, 'vectors of the TCP timer and of the other causes', '8.2.3.5.15'),
  {
    ...rwArray('PBACL', 0x110c0, 8, 4, 'pending bits; writing 1 clears', '8.2.3.5.19'),
    aliases: [{ offset: 0x11068, step: 4, count: 1 }],
  },
  rwArray('PVTEICR', 0xb00, 64, 4, 'interrupt causes of a VF', '8.3.5.4.1'),
  wo('PVTEICS', 0xc00, 64, 'set interrupt causes of a VF', '8.3.5.4.2'),
  rwArray('PVTEIMS', 0xd00, 64, 4, 'set the interrupt mask of a VF', '8.3.5.4.3'),
  wo('PVTEIMC', 0xe00, 64, 'clear the interrupt mask of a VF', '8.3.5.4.4'),
  rwArray('PVTEIAC', 0xf00, 64, 4, 'causes of a VF cleared by their message', '8.3.5.4.5'),
  rwArray('PVTEIAM', 0x4d00, 64, 4, 'causes of a VF masked by their message', '8.3.5.4.6'),
  rwArray('PVTIVAR_MISC', 0x4e00, 64, 4, "vector of a VF's mailbox", '8.3.5.4.12'),
];
