"""
Golden exchanges: what goes to an agency, what it answers, and what that means.

A case is a file `golden/<agency>/<case>.yaml` of the configuration folder. A report of something that went
wrong with an agency becomes such a file first, and a fix then. `golden/base.yaml`, if it is there, is the
declaration that every case starts from; without it, a sample in which everything is declared.

    why: The agency gives a ticket, to be asked about.     # one sentence for the reader
    does: submit          # submit, look_up, poll, amend, withdraw, inform, remind, pull, acknowledge,
                          # reject or callback
    at: 2026-03-02T00:30:00Z       # the time it is played at; this one unless said otherwise
    service: mfds-food-import      # the agency's first unless said otherwise
    items: [1]            # goods items that are referred; all of them unless said otherwise
    declaration: {office: "030"}   # how the declaration differs from the base: mappings are merged, lists
                                   # replaced, and null takes a part away
    receipt: T-1          # all but submit: the agency's reference, as its receipt gave it
    values: {ticket: "7"} # the same: what else was remembered of the receipt
    revision: 2           # of the referral's content; 1 unless said otherwise
    former: [26KR1B2C3D4E5F6G72/x]  # earlier ids of the referral; its own then ends in its revision
    withdrawal: {reason: C01, remarks: Sold}       # withdraw; without it the declaration goes on
    information:          # inform: the declarant's answer; `id` and `request` are made up unless given
      text: As asked.
      request_reference: Q-1
      documents: [{name: a.pdf, type: application/pdf, base64: JVBERg==}]
    ids: [E-1]            # acknowledge and reject: the messages
    page: {number: 2, cursor: c3}  # pull: a page that is not the first
    reason: unreadable    # reject: what is wrong with them
    environment: {X_TOKEN: t}      # values of variables, where a callback's proof depends on them
    sent:                 # one request, or a list of them
      method: POST
      path: /agency/applications   # with its query; the agency is played below /agency
      headers: {content-type: application/json}    # those that matter; others are not compared
      json: '{"no": 1}'   # or `xml`, `form` (name=value lines), `multipart` (its parts) or `text`; none of
                          # them: the request has no body
    answered:             # one answer, or as many as requests
      status: 200
      headers: {Content-Type: application/json}
      body: '{"ticket": "T-1"}'    # or `base64`, for what is no text; none of them: no body
    received: {headers: {}, body: ""}              # callback: what comes in, instead of sent and answered
    means:                # only what is written is compared
      receipt: T-1
      values: {ticket: "7"}
      found: true         # look_up
      decisions: [{verdict: approved, word: OK, decided_at: "2026-03-02T00:30:00Z", items: [1]}]
      messages: []        # pull: each with message_id, referral, agency_reference, decisions, trouble
      next_page: {number: 2, cursor: c3}           # pull: where there is more
      error: AgencyRefused         # or AgencyUnavailable, NotUnderstood, InDoubt, CallbackRefused
      says: [No such ticket]       # texts that the error holds
      retry_after: 30.0

Requests are compared by what they say: XML without regard to prefixes and blanks between elements, JSON
without regard to the order of members. What differs with each request (nonces, times, passwords' digests, ids
of security headers) is not compared. The agency is played on a local socket; signatures, client certificates
and announced maintenance play no part: `hub agency certify` tries those.
"""
