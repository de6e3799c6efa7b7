//! Amounts of money as Clerk shows them.

use serde_json::{Value, json};

/// An amount in the smallest unit, with its text for people. Every currency here has two decimal places.
pub(super) fn money(amount: i64, currency: &str) -> Value {
    let symbol = match currency {
        "USD" => "$",
        "EUR" => "€",
        "GBP" => "£",
        other => other,
    };
    let (sign, magnitude) = (if amount < 0 { "-" } else { "" }, amount.unsigned_abs());
    json!({
        "amount": amount,
        "amount_formatted": format!("{sign}{}.{:02}", magnitude / 100, magnitude % 100),
        "currency": currency,
        "currency_symbol": symbol,
    })
}

/// Totals without taxes, credits or discounts.
pub(super) fn totals(amount: i64, currency: &str) -> Value {
    json!({
        "subtotal": money(amount, currency),
        "base_fee": money(amount, currency),
        "tax_total": money(0, currency),
        "grand_total": money(amount, currency),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_with_two_places() {
        assert_eq!(money(2005, "USD")["amount_formatted"], "20.05");
        assert_eq!(money(-7, "EUR")["amount_formatted"], "-0.07");
        assert_eq!(money(0, "CHF")["currency_symbol"], "CHF");
    }
}
