import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { contrast, inkOf, parse } from './brand'

describe('the ink of a client', () => {
  it.each(['#ffff00', '#00ff88', '#ffffff', '#000000', '#7f7f7f', '#2563eb', '#be123c'])('made of %s can be read in both themes', (color) => {
    expect(contrast(parse(inkOf(color, 'light')), parse('#f3f3f5'))).toBeGreaterThanOrEqual(4.5)
    expect(contrast(parse(inkOf(color, 'dark')), parse('#191b20'))).toBeGreaterThanOrEqual(4.5)
  })

  it('stays as it is where it can be read already', () => {
    expect(inkOf('#1e3a8a', 'light')).toBe('#1e3a8a')
  })
})

describe('the muted inks', () => {
  const style = readFileSync(join(import.meta.dirname, '..', 'style.css'), 'utf8')
  const [light = '', dark = ''] = style.split('\n.dark {')
  const token = (part: string, name: string) => parse(new RegExp(`--ui-${name}: (#[0-9a-f]{6})`).exec(part)?.[1] ?? '')

  it.each([['light', light], ['dark', dark]])('can be read on every surface in %s', (_theme, part) => {
    for (const ink of ['text-dimmed', 'text-muted', 'text-toned', 'success', 'warning', 'error', 'info']) {
      for (const surface of ['bg', 'bg-muted', 'bg-elevated']) {
        expect(contrast(token(part, ink), token(part, surface)), `${ink} on ${surface}`).toBeGreaterThanOrEqual(4.5)
      }
    }
  })
})
