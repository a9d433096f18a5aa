import { describe, expect, it } from 'vitest'
import * as rules from './rules'
import { registryIn, tokenIn } from './paste'

const TOKEN = 'a1B2'.repeat(16)

describe('the rules of the forms', () => {
  it.each(['web', 'web-1', 'a'])('take `%s` as a label', name => expect(rules.label(name)).toBeNull())
  it.each(['', 'Web', '1web', 'web_1', 'web-', 'a'.repeat(64)])('refuse `%s` as a label', name => expect(rules.label(name)).not.toBeNull())

  it.each(['nginx', 'nginx:1.27', 'ghcr.io/acme/shop:1.0.0', 'localhost:5000/shop', `shop@sha256:${'a'.repeat(64)}`])('take `%s` as an image', name => expect(rules.image(name)).toBeNull())
  it.each(['', 'Nginx', 'nginx:', 'nginx:a b', 'shop@sha256:abc'])('refuse `%s` as an image', name => expect(rules.image(name)).not.toBeNull())

  it.each(['203.0.113.4', 'web-1.example.com', '2001:db8::1'])('take `%s` as a host', name => expect(rules.host(name)).toBeNull())
  it.each(['', '-web', 'web 1', 'web/1'])('refuse `%s` as a host', name => expect(rules.host(name)).not.toBeNull())

  it('say how long a token is that has the wrong length', () => {
    expect(rules.hetznerToken('abc')).toEqual({ key: 'rules.hetznerToken', values: { length: 3 } })
    expect(rules.hetznerToken(TOKEN)).toBeNull()
  })

  it('read a whole .env file and name the line that is none', () => {
    const { values, bad } = rules.parseEnvironment('# comment\nexport A=1\nB="two words"\nnonsense\nA=2')

    expect(values).toEqual({ A: '2', B: 'two words' })
    expect(bad).toEqual(['nonsense'])
  })
})

describe('a paste', () => {
  it.each([TOKEN, `HCLOUD_TOKEN=${TOKEN}\n`, `export HCLOUD_TOKEN="${TOKEN}"`, `token = "${TOKEN}"`])('gives the token in it', text => expect(tokenIn(text)).toBe(TOKEN))

  it('gives every part of a registry login', () => {
    const login = { server: 'ghcr.io', user: 'ada', password: 'p@ss' }

    expect(registryIn('docker login -u ada -p p@ss ghcr.io')).toEqual(login)
    expect(registryIn('https://ada:p%40ss@ghcr.io')).toEqual(login)
    expect(registryIn('ghcr.io')).toBeNull()
  })
})
