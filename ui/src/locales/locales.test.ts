import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PRESENTATION } from '@/errors/presentation'
import de from './de.json'
import en from './en.json'

const SRC = join(import.meta.dirname, '..')

function keysOf(tree: object, path = ''): string[] {
  return Object.entries(tree).flatMap(([name, value]) => typeof value === 'string' ? [`${path}${name}`] : keysOf(value as object, `${path}${name}.`))
}

function textOf(tree: object, key: string): string {
  return key.split('.').reduce<unknown>((branch, name) => (branch as Record<string, unknown>)[name], tree) as string
}

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return sources(path)
    return /\.(vue|ts)$/.test(entry.name) && !entry.name.includes('.test.') ? [readFileSync(path, 'utf8')] : []
  })
}

const placeholders = (text: string) => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort()

describe('the texts', () => {
  it('say the same things in every language', () => {
    expect(keysOf(de)).toEqual(keysOf(en))
  })

  it('name the same values in every language', () => {
    const differing = keysOf(en).filter(key => placeholders(textOf(en, key)).join() !== placeholders(textOf(de, key)).join())
    expect(differing).toEqual([])
  })

  it('are never empty', () => {
    expect([...keysOf(en).filter(key => !textOf(en, key).trim()), ...keysOf(de).filter(key => !textOf(de, key).trim())]).toEqual([])
  })

  it('exist for every key that the code names', () => {
    const known = new Set(keysOf(en))
    const named = sources(SRC).flatMap(source => [...source.matchAll(/\bt\('([\w.]+)'/g)].map(match => match[1] ?? ''))
    expect([...new Set(named)].filter(key => !known.has(key))).toEqual([])
  })

  it('exist for at least one ending of every key that the code puts together', () => {
    const known = keysOf(en)
    const made = sources(SRC).flatMap(source => [...source.matchAll(/\bt\(`([\w.]+)\$\{/g)].map(match => match[1] ?? ''))
    expect([...new Set(made)].filter(start => !known.some(key => key.startsWith(start)))).toEqual([])
  })

  it('say of every failure what it is, why, and what next', () => {
    const missing = Object.keys(PRESENTATION).flatMap(code => ['title', 'why', 'next'].filter(part => !keysOf(en).includes(`errors.${code}.${part}`)))
    expect(missing).toEqual([])
  })
})
