import { beforeEach, describe, expect, it } from 'vitest';
import { hashIndex } from '../../src/nicswitch/index.ts';
import { intel82599, intel82599Chip } from '../../src/profiles/index.ts';
import { macHighWord, TagEdit } from '../../src/wire/index.ts';
import {
  AUPE,
  BAM,
  BROADCAST,
  CTRL_EXT,
  DIS_DEF_POOL,
  DMATXCTL,
  DPME,
  EXTENDED_VLAN,
  EXVET,
  FCTRL,
  GDV,
  GROUP,
  MCSTCTRL,
  MPE,
  MPSAR,
  MTA,
  mac,
  PFDTXGSWC,
  PFMRCTL,
  PFMRVLAN,
  PFMRVM,
  PFUTA,
  PFVFRE,
  PFVFSPOOF,
  PFVFTE,
  PFVLVF,
  PFVLVFB,
  PFVML2FLT,
  PFVMTXSW,
  PFVMVIR,
  PFVTCTL,
  Pools,
  RAH,
  RAL,
  ROMPE,
  ROPE,
  RPL_EN,
  SSVPC,
  STRANGER,
  UPME,
  VFE,
  VFTA,
  VIEN,
  VLME,
  VLNCTRL,
  VPME,
  VT_EN,
  WIRE,
} from './pools.ts';

describe.each([
  ['a card', intel82599],
  ['the whole chip', intel82599Chip({ strict: true })],
])('of %s:', (_name, profile) => {
  describe('registers that steer the switch', () => {
    const card = new Pools(profile);
    it.each([
      ['FCTRL', FCTRL, 0x0000_0702],
      ['VLNCTRL', VLNCTRL, 0x7000_ffff],
      ['MCSTCTRL', MCSTCTRL, 0x0000_0007],
      ['EXVET', EXVET, 0xffff_0000],
      ['PFVTCTL', PFVTCTL, 0x6000_1f81],
      ['PFVMTXSW 1', PFVMTXSW + 4, 0xffff_ffff],
      ['PFVFRE 0', PFVFRE, 0xffff_ffff],
      ['PFVFTE 1', PFVFTE + 4, 0xffff_ffff],
      ['PFVML2FLT 63', PFVML2FLT + 4 * 63, 0x1f00_0000],
      ['PFVLVF 63', PFVLVF + 4 * 63, 0x8000_0fff],
      ['PFVLVFB 127', PFVLVFB + 4 * 127, 0xffff_ffff],
      ['PFVFSPOOF 7', PFVFSPOOF + 4 * 7, 0x0000_ffff],
      ['PFVMVIR 63', PFVMVIR + 4 * 63, 0xc000_ffff],
      ['PFDTXGSWC', PFDTXGSWC, 0x0000_0001],
      ['PFUTA 127', PFUTA + 4 * 127, 0xffff_ffff],
      ['MTA 127', MTA + 4 * 127, 0xffff_ffff],
      ['VFTA 127', VFTA + 4 * 127, 0xffff_ffff],
      ['RAL 127', RAL + 8 * 127, 0xffff_ffff],
      ['RAH 127', RAH + 8 * 127, 0x8000_ffff],
      ['MPSAR 255', MPSAR + 4 * 255, 0xffff_ffff],
      ['PFMRCTL 3', PFMRCTL + 4 * 3, 0x0000_3f0f],
      ['PFMRVLAN 7', PFMRVLAN + 4 * 7, 0xffff_ffff],
      ['PFMRVM 7', PFMRVM + 4 * 7, 0xffff_ffff],
    ])('%s reads what was written, but for its reserved bits', (_, offset, mask) => {
      card.write(offset, 0xffff_ffff);
      expect(card.read(offset)).toBe(mask);
      card.write(offset, 0xa5a5_a5a5);
      expect(card.read(offset)).toBe((0xa5a5_a5a5 & mask) >>> 0);
      card.write(0, 1 << 26);
      const resets: Record<number, number> = { [VLNCTRL]: 0x8100, [EXVET]: 0x8100_0000 };
      expect(card.read(offset)).toBe(resets[offset] ?? 0);
    });
  });

  describe('pools', () => {
    let card: Pools;
    beforeEach(() => {
      card = new Pools(profile);
    });

    it('receive and send by PFVFRE and PFVFTE', () => {
      expect(card.send(WIRE, mac(40))).toBe('40');
      card.write(PFVFRE + 4, 0);
      expect(card.send(WIRE, mac(40))).toBe('vportDisabled');
      expect(card.send(40, mac(1))).toBe('1');
      card.write(PFVFTE + 4, 0);
      expect(card.send(40, mac(1))).toBe('txDisabled');
    });

    it('share an address by MPSAR, lose it with AV, and get another by RAL', () => {
      card.write(MPSAR, 0b0011);
      expect(card.send(WIRE, mac(0))).toBe('0 1');
      card.write(MPSAR, 0b0010);
      expect(card.send(WIRE, mac(0))).toBe('1');
      card.write(RAH, macHighWord(mac(0)));
      expect(card.send(WIRE, mac(0))).toBe('noMatch');
      card.address(0, STRANGER, 2);
      expect(card.send(WIRE, STRANGER)).toBe('2');
      // The old offsets show the same registers.
      card.write(0x5404, 0);
      expect(card.send(WIRE, STRANGER)).toBe('noMatch');
    });

    it('keep an address that two receive address registers have until both are gone', () => {
      card.address(7, mac(0), 0);
      expect(card.send(WIRE, mac(0))).toBe('0');
      card.write(RAH, 0);
      expect(card.send(WIRE, mac(0))).toBe('0');
      card.write(RAH + 8 * 7, 0);
      expect(card.send(WIRE, mac(0))).toBe('noMatch');
    });

    it('are the default pool by PFVTCTL.DEF_PL while DIS_DEF_PL is clear', () => {
      expect(card.send(WIRE, STRANGER)).toBe('noMatch');
      card.write(PFVTCTL, VT_EN | RPL_EN | (40 << 7));
      expect(card.send(WIRE, STRANGER)).toBe('40');
      card.write(PFVTCTL, VT_EN | RPL_EN | (2 << 7));
      expect(card.send(WIRE, STRANGER)).toBe('2');
      card.write(PFVTCTL, VT_EN | RPL_EN | DIS_DEF_POOL | (2 << 7));
      expect(card.send(WIRE, STRANGER)).toBe('noMatch');
    });

    it('get no replicas without PFVTCTL.RPL_EN: groups go to the default pool, or from a pool to the wire', () => {
      expect(card.send(WIRE, BROADCAST)).toBe('0 1 2 3 40');
      expect(card.send(0, BROADCAST)).toBe('1 2 3 40 wire');
      card.write(PFVTCTL, VT_EN | (3 << 7));
      expect(card.send(WIRE, BROADCAST)).toBe('3');
      expect(card.send(0, BROADCAST)).toBe('wire');
      expect(card.send(0, mac(1))).toBe('1');
    });

    it('take by PFVML2FLT what AUPE, BAM, MPE, ROMPE and ROPE say', () => {
      const filter = PFVML2FLT + 4;
      card.write(filter, AUPE);
      expect(card.send(WIRE, BROADCAST)).toBe('0 2 3 40');
      card.write(filter, BAM);
      expect(card.send(WIRE, BROADCAST)).toBe('0 2 3 40');
      expect(card.send(WIRE, mac(1))).toBe('vlanFilter');
      card.write(filter, AUPE | MPE);
      expect(card.send(WIRE, GROUP)).toBe('1');
    });

    it.each([0, 1, 2, 3])('are found by the hash tables with MCSTCTRL.MO = %i', (offset) => {
      card.write(MCSTCTRL, 4 | offset);
      card.write(PFVML2FLT + 8, AUPE | ROMPE | ROPE);
      for (const [table, address] of [
        [MTA, GROUP],
        [PFUTA, STRANGER],
      ]) {
        expect(card.send(WIRE, address)).toBe('noMatch');
        const index = hashIndex(macHighWord(address), offset);
        card.write(table + 4 * (index >> 5), 1 << (index & 31));
        expect(card.send(WIRE, address)).toBe('2');
        // Another offset leads to another entry.
        card.write(MCSTCTRL, 4 | (offset ^ 1));
        expect(card.send(WIRE, address)).toBe('noMatch');
        card.write(MCSTCTRL, 4 | offset);
        card.write(table + 4 * (index >> 5), 0);
        expect(card.send(WIRE, address)).toBe('noMatch');
      }
    });

    it('are found by the MTA with MCSTCTRL.MFE only', () => {
      card.write(PFVML2FLT + 8, AUPE | ROMPE | ROPE);
      for (const [table, address] of [
        [MTA, GROUP],
        [PFUTA, STRANGER],
      ]) {
        const index = hashIndex(macHighWord(address), 0);
        card.write(table + 4 * (index >> 5), 1 << (index & 31));
      }
      const found = () => [card.send(WIRE, GROUP), card.send(WIRE, STRANGER)];
      expect(found()).toEqual(['noMatch', '2']);
      card.write(MCSTCTRL, 4);
      expect(found()).toEqual(['2', '2']);
      card.write(MCSTCTRL, 0);
      expect(found()).toEqual(['noMatch', '2']);
    });

    it('belong to VLANs by PFVLVF and PFVLVFB, which VFTA admits and VLNCTRL.VFE filters', () => {
      card.vlan(5, 100, 0b0110);
      expect(card.send(WIRE, mac(1), 100)).toBe('1');
      expect(card.send(WIRE, mac(3), 100)).toBe('vlanFilter');
      card.write(PFVLVFB + 8 * 5, 0b1000);
      expect(card.send(WIRE, mac(1), 100)).toBe('vlanFilter');
      expect(card.send(WIRE, mac(3), 100)).toBe('3');
      card.write(PFVLVFB + 8 * 5 + 4, 1 << 8);
      expect(card.send(WIRE, mac(40), 100)).toBe('40');
      card.write(VFTA + 4 * 3, 0);
      expect(card.send(WIRE, mac(3), 100)).toBe('vlanFilter');
      card.write(VLNCTRL, 0x8100);
      expect(card.send(WIRE, mac(1), 100)).toBe('1');
      card.write(VLNCTRL, VFE | 0x8100);
      card.vlan(5, 100, 0b1000);
      card.write(PFVLVF + 4 * 5, 100);
      expect(card.send(WIRE, mac(3), 100)).toBe('vlanFilter');
    });

    it('get their own frames back with PFVMTXSW', () => {
      expect(card.send(0, mac(0))).toBe('sourcePruned');
      card.write(PFVMTXSW, 1);
      expect(card.send(0, mac(0))).toBe('0');
      expect(card.send(1, mac(1))).toBe('sourcePruned');
      card.write(PFVMTXSW + 4, 1 << 8);
      expect(card.send(40, mac(40))).toBe('40');
    });

    it('reach each other in the card with PFDTXGSWC.LBE, and only the wire without', () => {
      expect(card.send(0, mac(1))).toBe('1');
      card.write(PFDTXGSWC, 0);
      expect(card.send(0, mac(1))).toBe('wire');
      expect(card.send(0, BROADCAST)).toBe('wire');
    });

    it('insert a VLAN by PFVMVIR', () => {
      card.vlan(0, 20, 0b0011);
      card.write(PFVMVIR, 0x4000_0000 | 20);
      expect(card.send(0, mac(1))).toBe('1+');
      card.write(PFVMVIR, 0);
      expect(card.send(0, mac(1))).toBe('1');
    });

    it('are checked by PFVFSPOOF; SSVPC counts what that drops, and a read clears it', () => {
      expect(card.send(1, mac(2), -1, mac(3))).toBe('2');
      expect(card.read(SSVPC)).toBe(0);
      card.write(PFVFSPOOF, 0x0202);
      expect(card.send(1, mac(2), -1, mac(3))).toBe('macSpoof');
      expect(card.send(1, mac(2), 100)).toBe('vlanSpoof');
      expect(card.send(0, mac(2), -1, mac(3))).toBe('2');
      expect(card.read(SSVPC)).toBe(2);
      expect(card.read(SSVPC)).toBe(0);
      expect(card.send(1, mac(2), 100)).toBe('vlanSpoof');
      card.write(0, 1 << 26);
      expect(card.read(SSVPC)).toBe(0);
    });

    it('are as after a reset once PFVTCTL.VT_EN is cleared: all is pool 0, and back they are as they were', () => {
      card.write(PFVTCTL, 0);
      card.write(FCTRL, 1 << 10);
      expect(card.send(WIRE, mac(40))).toBe('0');
      expect(card.send(WIRE, BROADCAST)).toBe('0');
      card.write(PFVTCTL, VT_EN | RPL_EN | DIS_DEF_POOL);
      expect(card.send(WIRE, mac(40))).toBe('40');
      expect(card.send(WIRE, BROADCAST)).toBe('0 1 2 3 40');
    });
  });

  describe('double VLAN mode', () => {
    /** Pool 1 is in VLAN 10. The frames have one tag in their bytes, or another inside of it. */
    function doubled(): Pools {
      const card = new Pools(profile);
      card.vlan(0, 10, 1 << 1);
      card.write(CTRL_EXT, EXTENDED_VLAN);
      card.write(DMATXCTL, GDV | 1);
      return card;
    }

    it('takes the first tag of a frame for the outer one, which no filter looks at', () => {
      const card = doubled();
      expect(card.send(WIRE, mac(1), 77)).toBe('1');
      expect(card.send(WIRE, mac(1), 10)).toBe('1');
      card.write(PFVML2FLT + 4, BAM);
      expect(card.send(WIRE, mac(1), 10)).toBe('vlanFilter');
    });

    it('inserts the VLAN of PFVMVIR behind the outer tag', () => {
      const card = doubled();
      card.write(PFVMVIR, (1 << 30) | 10);
      const { INSERT, BEHIND_OUTER } = TagEdit;
      expect(card.operation(0, mac(1), 77)).toBe(INSERT | BEHIND_OUTER);
      expect(card.operation(0, mac(1))).toBe(INSERT);
    });

    it('has the EtherType of EXVET', () => {
      const card = doubled();
      card.write(EXVET, 0x88a8_0000);
      expect(card.send(WIRE, mac(1), 77)).toBe('vlanFilter');
      expect(card.send(WIRE, mac(1), 10)).toBe('1');
      card.write(EXVET, 0x0000_0000);
      expect(card.send(WIRE, mac(1), 10)).toBe('1');
    });

    it('needs CTRL_EXT.EXTENDED_VLAN and DMATXCTL.GDV, and ends with either', () => {
      const card = doubled();
      card.write(CTRL_EXT, 0);
      expect(card.send(WIRE, mac(1), 77)).toBe('vlanFilter');
      card.write(CTRL_EXT, EXTENDED_VLAN);
      expect(card.send(WIRE, mac(1), 77)).toBe('1');
      card.write(DMATXCTL, 1);
      expect(card.send(WIRE, mac(1), 77)).toBe('vlanFilter');
    });
  });

  describe('PFMRCTL, PFMRVM and PFMRVLAN', () => {
    let card: Pools;
    beforeEach(() => {
      card = new Pools(profile);
      card.vlan(5, 100, 0b0110);
      card.vlan(37, 200, 0b0110);
    });

    it('VPME: what the pools of PFMRVM receive, those from 32 on by the word four further', () => {
      card.write(PFMRVM + 4, 0b0010);
      card.write(PFMRVM + 4 * 5, 1 << 8);
      expect(card.send(WIRE, mac(1))).toBe('1');
      card.write(PFMRCTL + 4, VPME | (3 << 8));
      expect(card.send(WIRE, mac(1))).toBe('1 3');
      expect(card.send(0, mac(1))).toBe('1 3');
      expect(card.send(WIRE, mac(40))).toBe('40 3');
      expect(card.send(1, mac(2))).toBe('2');
      card.write(PFMRVM + 4, 0b0100);
      expect(card.send(WIRE, mac(1))).toBe('1');
      expect(card.send(WIRE, mac(2))).toBe('2 3');
    });

    it('UPME: what pools receive from the wire', () => {
      card.write(PFMRCTL, UPME | (40 << 8));
      expect(card.send(WIRE, mac(1))).toBe('1 40');
      expect(card.send(WIRE, mac(40))).toBe('40');
      expect(card.send(WIRE, STRANGER)).toBe('noMatch');
      expect(card.send(0, STRANGER)).toBe('wire');
    });

    it('DPME: what pools send to the wire', () => {
      card.write(PFMRCTL + 8, DPME | (3 << 8));
      expect(card.send(0, STRANGER)).toBe('wire 3');
      expect(card.send(0, mac(1))).toBe('1');
      expect(card.send(3, STRANGER)).toBe('wire 3');
    });

    it('VLME: the VLANs of the filters that PFMRVLAN names, as long as they are valid', () => {
      card.write(PFMRCTL + 12, VLME | (3 << 8));
      card.write(PFMRVLAN + 12, 1 << 5);
      expect(card.send(WIRE, mac(1), 100)).toBe('1 3');
      expect(card.send(WIRE, mac(1), 200)).toBe('1');
      card.write(PFMRVLAN + 4 * 7, 1 << 5);
      expect(card.send(WIRE, mac(1), 200)).toBe('1 3');
      card.write(PFVLVF + 4 * 5, VIEN + 101);
      expect(card.send(0, STRANGER, 100)).toBe('wire');
      card.write(PFVLVF + 4 * 5, 100);
      expect(card.send(0, STRANGER, 100)).toBe('wire');
    });

    it('mirror nothing without replication, and nothing without pools', () => {
      card.write(PFMRCTL, UPME | (3 << 8));
      card.write(PFVTCTL, VT_EN | DIS_DEF_POOL);
      expect(card.send(WIRE, mac(1))).toBe('1');
      card.write(PFVTCTL, 0);
      expect(card.send(WIRE, mac(1))).toBe('0');
      card.write(PFVTCTL, VT_EN | RPL_EN | DIS_DEF_POOL);
      expect(card.send(WIRE, mac(1))).toBe('1 3');
    });

    it('end with a reset', () => {
      card.write(PFMRCTL, UPME | (3 << 8));
      card.write(0, 1 << 26);
      for (const rule of [0, 1, 2, 3]) expect(card.read(PFMRCTL + 4 * rule)).toBe(0);
      expect(card.send(WIRE, mac(1))).toBe('noMatch');
    });
  });
});
