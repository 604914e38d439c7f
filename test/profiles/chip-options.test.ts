import { describe, expect, it } from 'vitest';
import { type Intel82599ChipOptions, intel82599Chip, SFP_10GBASE_SR } from '../../src/profiles/index.ts';

describe('options of an 82599 as drivers meet it', () => {
  it.each([
    [{ portt: 'sfp' }, /^options has no "portt": allowed are port, module, mac, pba, phys, strict$/],
    [null, /^options must be an object with port, /],
    [{ port: 'rj45' }, /^port must be one of sfp, kx4, got "rj45"$/],
    [{ strict: 'no' }, /^strict must be true or false, got "no"$/],
    [{ mac: 5 }, /^MAC address must be a string, got number$/],
    [{ pba: 5 }, /^pba must be a string, got 5$/],
    [{ pba: '' }, /^pba must be 1 to 64 characters of ASCII, got ""$/],
    [{ pba: '\u20ac' }, /^pba must be 1 to 64 characters of ASCII, got /],
    [{ phys: 3 }, /^phys must be an object with keys from 0 to 31, got 3$/],
    [{ phys: { 99: {} } }, /^keys of phys must be integers from 0 to 31, got "99"$/],
    [{ phys: { 1.5: {} } }, /^keys of phys must be integers from 0 to 31, got "1.5"$/],
    [{ phys: { 1: null } }, /^phys\[1\] must be an object with keys from 0 to 2097151, got null$/],
    [
      { phys: { 1: { [2 ** 21]: 0 } } },
      /^keys of phys\[1\] must be integers from 0 to 2097151, got "2097152"$/,
    ],
    [{ phys: { 1: { 3: 0x1_0000 } } }, /^phys\[1\]\[3\] must be an integer from 0 to 65535, got 65536$/],
    [{ module: {} }, /^module.codes10g must be a number, got undefined$/],
    [{ module: 'optics' }, /^module must be an object with codes10g, /],
    [{ module: { ...SFP_10GBASE_SR, code: 1 } }, /^module has no "code": /],
    [
      { module: { ...SFP_10GBASE_SR, cable: 256 } },
      /^module.cable must be an integer from 0 to 255, got 256$/,
    ],
    [{ module: { ...SFP_10GBASE_SR, part: 'x'.repeat(17) } }, /^module.part must be 0 to 16 characters /],
    [{ module: { ...SFP_10GBASE_SR, oui: [1, 2] } }, /^module.oui must be three bytes, got 2$/],
    [{ module: { ...SFP_10GBASE_SR, oui: [1, 2, 256] } }, /^module.oui\[2\] must be an integer /],
    // Also where there is no cage for it.
    [{ port: 'kx4', module: {} }, /^module.codes10g must be a number/],
  ])('are refused that there are not: %o', (options, message) => {
    expect(() => intel82599Chip(options as Intel82599ChipOptions)).toThrow(message);
  });

  it('are taken at their bounds', () => {
    const module = { ...SFP_10GBASE_SR, vendor: '', serial: '~'.repeat(16), cable: 255 };
    const phys = { 31: { [2 ** 21 - 1]: 0xffff }, 0: {} };
    expect(() => intel82599Chip({ pba: 'x'.repeat(64), module, phys, strict: false })).not.toThrow();
    expect(() => intel82599Chip({ port: 'kx4', module: null })).not.toThrow();
  });
});
