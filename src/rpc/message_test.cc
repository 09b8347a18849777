#include "rpc/message.h"

#include <gtest/gtest.h>

#include "codec/msgpack.h"

namespace praetor::rpc {
namespace {

TEST(RpcMessage, ARequestIsTwoValuesWithSortedKeys) {
  std::string out;
  put_request(out, {7, "Status.Ping"}, "\x80");
  EXPECT_EQ(out, "\x82\xa3Seq\x07\xadServiceMethod\xabStatus.Ping\x80");
}

TEST(RpcMessage, AnErrorCarriesAnEmptyMap) {
  std::string out;
  put_response(out, {"No cluster leader", 7, "KVS.Get"}, "ignored");
  EXPECT_EQ(out,
            "\x83\xa5"
            "Error\xb1No cluster leader\xa3Seq\x07\xadServiceMethod\xa7KVS.Get\x80");
}

TEST(RpcMessage, MessagesAreCutFromAnyPieces) {
  std::string stream;
  for (uint64_t n = 0; n < 3; ++n)
    put_request(stream, {n, "KVS.Get"}, codec::to_msgpack(std::string(300, 'x')));
  for (size_t piece : {1u, 2u, 7u, 1000u}) {
    MessageReader<RequestHeader> reader;
    uint64_t seen = 0;
    for (size_t at = 0; at < stream.size(); at += piece) {
      reader.append(std::string_view(stream).substr(at, piece));
      for (;;) {
        auto message = reader.next();
        ASSERT_TRUE(message);
        if (!*message) break;
        EXPECT_EQ((*message)->header.seq, seen++);
        EXPECT_EQ((*message)->header.service_method, "KVS.Get");
        EXPECT_EQ((*message)->body.size(), 303u);
      }
    }
    EXPECT_EQ(seen, 3u);
    EXPECT_EQ(reader.buffered(), 0u);
  }
}

TEST(RpcMessage, NonsenseIsAnError) {
  MessageReader<RequestHeader> reader;
  reader.append("\xc1");
  EXPECT_FALSE(reader.next());
  MessageReader<RequestHeader> texts;
  texts.append("\xa1x\x80");  // a header that is no map
  EXPECT_FALSE(texts.next());
}

}  // namespace
}  // namespace praetor::rpc
